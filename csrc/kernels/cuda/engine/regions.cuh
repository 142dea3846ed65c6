// Activation patterns of many networks on the device, for count_regions.
#pragma once

#include <vector>

#include "kernels/cuda/engine/group.cuh"
#include "kernels/cuda/engine/memory.h"

namespace tegnas::cuda::engine {

template <typename T>
void run_patterns(const Stream& stream, const std::vector<Job<T>>& jobs,
                  const std::vector<RegionBatch<T>>& batches, const Chunks& chunks,
                  const Task* tasks, void* workspace, const Upload& upload,
                  const ParallelFor& parallel_for, const PatternBits& patterns) {
  for (const Chunk& chunk : chunks.list) {
    std::vector<Unit<T>> units;
    std::vector<grouped::Passage> passages;
    char* at = static_cast<char*>(workspace);
    for (const RegionBatch<T>& batch : batches) {
      for (int64_t j = chunk.first; j < chunk.last; ++j) {
        const grouped::Outline& program = *jobs[j].tasks;
        const Footprint bytes = footprint<T>(program, batch.count, 1);
        Unit<T> unit{};
        unit.params = jobs[j].params;
        unit.images = batch.of(j);
        unit.values = reinterpret_cast<T*>(at);
        unit.norms = reinterpret_cast<T*>(at + bytes.values);
        unit.words = patterns.data + 2 * patterns.words * (j * patterns.inputs + batch.first);
        unit.pattern_words = 2 * patterns.words;
        unit.norm_channels = program.norm_channels;
        unit.images_count = static_cast<int32_t>(batch.count);
        at += bytes.total();
        units.push_back(unit);
        passages.push_back({&program, jobs[j].first_task, {batch.count, 1, false}});
      }
    }
    const Kept<grouped::Schedule> schedule = grouped::make_schedule(passages, parallel_for);
    const auto send = [&](const auto& items) {
      return upload(items.data(), items.size() * sizeof(items[0]));
    };
    const Descriptors<T> d{tasks, static_cast<const Unit<T>*>(send(units)),
                           static_cast<const Entry*>(send(schedule->forward.entries))};
    for (const Group& group : schedule->forward.groups) launch_group<T>(stream, d, group, Sweep{});
  }
}

}  // namespace tegnas::cuda::engine
