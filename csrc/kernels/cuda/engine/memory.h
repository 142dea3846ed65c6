// Device memory of the engine: how much each network takes, and how many go at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/checked.h"
#include "kernels/cuda/engine/problem.h"

namespace tegnas::cuda::engine {

constexpr int64_t kAlignment = 256;

inline int64_t aligned(Checked bytes) { return checked_divide_up(bytes, kAlignment) * kAlignment; }

// Bytes of one network on its way through one batch.
struct Footprint {
  int64_t values, gradients, norms, sums, panel;

  int64_t total() const { return (Checked(values) + gradients + norms + sums + panel).value(); }
};

template <typename T>
Footprint footprint(const grouped::Outline& tasks, int64_t images, int64_t seeds) {
  constexpr int64_t kWidth = sizeof(T);
  return {aligned(Checked(tasks.value_size) * images * kWidth),
          aligned(Checked(tasks.gradient_size) * images * seeds * kWidth),
          aligned(Checked(4) * tasks.norm_channels * kWidth),
          aligned(Checked(2) * tasks.norm_channels * seeds * static_cast<int64_t>(sizeof(double))),
          aligned(Checked(tasks.rows) * images * kWidth)};
}

// Jobs [first, last) that run together.
struct Chunk {
  int64_t first, last;
};

struct Chunks {
  std::vector<Chunk> list;
  int64_t seeds = 1;  // coupled: images whose gradients are made at once
  int64_t bytes = 0;  // of the largest chunk
};

// Cuts the jobs so that a chunk fits the budget; one job over it goes alone, coupled with as few
// seeds at once as it takes.
template <typename T>
Chunks cut(const std::vector<Job<T>>& jobs, const std::vector<int64_t>& batches, bool coupled,
           int64_t budget) {
  const auto bytes = [&](const Job<T>& job, int64_t seeds) {
    Checked sum = 0;
    for (int64_t images : batches) {
      sum = sum + footprint<T>(*job.tasks, images, std::min(seeds, images)).total();
    }
    return sum.value();
  };
  Chunks chunks;
  if (coupled) {
    for (int64_t images : batches) chunks.seeds = std::max(chunks.seeds, images);
    for (const Job<T>& job : jobs) {
      while (chunks.seeds > 1 && bytes(job, chunks.seeds) > budget) chunks.seeds /= 2;
    }
  }
  int64_t used = 0;
  for (int64_t j = 0; j < static_cast<int64_t>(jobs.size()); ++j) {
    const int64_t more = bytes(jobs[j], chunks.seeds);
    if (chunks.list.empty() || used > budget - more) {
      chunks.list.push_back({j, j});
      used = 0;
    }
    used = (Checked(used) + more).value();
    chunks.list.back().last = j + 1;
    chunks.bytes = std::max(chunks.bytes, used);
  }
  return chunks;
}

}  // namespace tegnas::cuda::engine
