// Kernels of many networks on the device: chunk by chunk, sweep by sweep, launch by launch.
#pragma once

#include <cstring>
#include <vector>

#include "kernels/cuda/engine/gram.cuh"
#include "kernels/cuda/engine/group.cuh"
#include "kernels/cuda/engine/memory.h"

namespace tegnas::cuda::engine {

template <typename T>
class NtkRun {
 public:
  NtkRun(const Stream& stream, const std::vector<Job<T>>& jobs, const Batches<T>& batches,
         bool coupled, const Chunks& chunks, const Task* tasks, char* workspace,
         const Upload& upload, const ParallelFor& parallel_for)
      : stream_(stream),
        jobs_(jobs),
        batches_(batches),
        coupled_(coupled),
        chunks_(chunks),
        tasks_(tasks),
        workspace_(workspace),
        upload_(upload),
        parallel_for_(parallel_for) {}

  void run(bool trace, const Kernels& kernels) {
    for (const Chunk& chunk : chunks_.list) {
      place(chunk);
      int64_t outputs = 1;
      for (int64_t j = chunk.first; trace && j < chunk.last; ++j) {
        outputs = std::max<int64_t>(outputs, jobs_[j].tasks->logits.place.c);
      }
      for (int64_t output = 0; output < outputs; ++output) {
        sweep(trace ? static_cast<int32_t>(output) : -1, output == 0);
        add_grams(chunk, kernels);
      }
    }
  }

 private:
  // Lays the chunk's networks out in the workspace. Every row of every panel is written: a weight
  // that has rows is one that the logits depend on (program/analysis.h).
  void place(const Chunk& chunk) {
    units_.clear();
    passages_.clear();
    const auto each = [&](const auto& action) {
      for (const bool second : {false, true}) {
        const int64_t images = second ? batches_.m : batches_.n;
        for (int64_t j = chunk.first; images > 0 && j < chunk.last; ++j) {
          action(jobs_[j], second, images,
                 footprint<T>(*jobs_[j].tasks, images, std::min(chunks_.seeds, images)));
        }
      }
    };
    char* at = workspace_;
    each([&](const Job<T>& job, bool second, int64_t images, const Footprint& bytes) {
      const auto take = [](char*& from, int64_t size) {
        char* here = from;
        from += size;
        return here;
      };
      const grouped::Outline& tasks = *job.tasks;
      Unit<T> unit{};
      unit.params = job.params;
      unit.images = second ? batches_.y : batches_.x;
      unit.values = reinterpret_cast<T*>(take(at, bytes.values));
      unit.gradients = reinterpret_cast<T*>(take(at, bytes.gradients));
      unit.norms = reinterpret_cast<T*>(take(at, bytes.norms));
      unit.sums = reinterpret_cast<double*>(take(at, bytes.sums));
      unit.panel = reinterpret_cast<T*>(take(at, bytes.panel));
      unit.gradient_size = tasks.gradient_size;
      unit.norm_channels = tasks.norm_channels;
      unit.images_count = static_cast<int32_t>(images);
      units_.push_back(unit);
      passages_.push_back({&tasks, job.first_task, {images, 1, coupled_}});
    });
    device_units_ = send(units_);
  }

  void sweep(int32_t output, bool forward) {
    const int64_t most = coupled_ ? std::max(batches_.n, batches_.m) : 1;
    for (int64_t first = 0; first < most; first += chunks_.seeds) {
      for (grouped::Passage& passage : passages_) {
        const int64_t left = coupled_ ? passage.extent.images - first : 1;
        passage.extent.seeds = std::clamp<int64_t>(left, 0, chunks_.seeds);
      }
      const Kept<grouped::Schedule> schedule = grouped::make_schedule(passages_, parallel_for_);
      const Sweep sweep{output, static_cast<int32_t>(first), 0, coupled_};
      if (forward && first == 0) launch(schedule->forward, sweep);
      launch(schedule->backward, sweep);
    }
  }

  void launch(const grouped::Launches& launches, const Sweep& sweep) {
    const Descriptors<T> d{tasks_, device_units_, send(launches.entries)};
    for (const Group& group : launches.groups) launch_group<T>(stream_, d, group, sweep);
  }

  void add_grams(const Chunk& chunk, const Kernels& kernels) {
    const int64_t jobs = chunk.last - chunk.first, n = batches_.n, m = batches_.m;
    std::vector<GramTask<T>> own, cross;
    for (int64_t j = 0; j < jobs; ++j) {
      const grouped::Outline& tasks = *passages_[j].tasks;
      const int64_t job = chunk.first + j;
      own.push_back({units_[j].panel, units_[j].panel, tasks.searched_rows, tasks.rows,
                     kernels.searched + job * n * n, kernels.all + job * n * n});
      if (m > 0) {
        cross.push_back({units_[jobs + j].panel, units_[j].panel, tasks.searched_rows, tasks.rows,
                         kernels.cross + job * m * n, nullptr});
      }
    }
    const auto size = [](int64_t images) { return static_cast<int32_t>(images); };
    launch_grams(stream_, send(own), own.size(), {size(n), size(n)});
    if (m > 0) launch_grams(stream_, send(cross), cross.size(), {size(m), size(n)});
  }

  template <typename Item>
  const Item* send(const std::vector<Item>& items) {
    return static_cast<const Item*>(upload_(items.data(), items.size() * sizeof(Item)));
  }

  const Stream& stream_;
  const std::vector<Job<T>>& jobs_;
  const Batches<T>& batches_;
  bool coupled_;
  const Chunks& chunks_;
  const Task* tasks_;
  char* workspace_;
  const Upload& upload_;
  const ParallelFor& parallel_for_;
  std::vector<Unit<T>> units_;
  std::vector<grouped::Passage> passages_;
  const Unit<T>* device_units_ = nullptr;
};

template <typename T>
void run_ntk(const Stream& stream, const std::vector<Job<T>>& jobs, const Batches<T>& batches,
             bool coupled, bool trace, const Chunks& chunks, const Task* tasks, void* workspace,
             const Upload& upload, const ParallelFor& parallel_for, const Kernels& kernels) {
  NtkRun<T>(stream, jobs, batches, coupled, chunks, tasks, static_cast<char*>(workspace), upload,
            parallel_for)
      .run(trace, kernels);
}

}  // namespace tegnas::cuda::engine
