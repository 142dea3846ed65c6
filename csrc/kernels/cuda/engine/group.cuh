// One launch for all tasks of one level and kind: a block finds its task among those of the group.
#pragma once

#include "kernels/cuda/engine/rows.cuh"

namespace tegnas::cuda::engine {

using grouped::Entry;
using grouped::Group;

// The descriptors of a schedule in device memory.
template <typename T>
struct Descriptors {
  const Task* tasks;
  const Unit<T>* units;
  const Entry* entries;
};

// The last entry that begins at or before this block.
__device__ __forceinline__ Entry entry_of(const Entry* entries, int count, unsigned block) {
  int low = 0, high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (static_cast<unsigned>(entries[middle].first_block) <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return entries[low];
}

template <typename T, Kind kKind>
__global__ void __launch_bounds__(grouped::kThreads, 1)
    group_kernel(Descriptors<T> d, const Entry* entries, int count, Sweep sweep) {
  const Entry entry = entry_of(entries, count, blockIdx.x);
  // Copies, so that what is written can't be taken for a change of them.
  Task t = d.tasks[entry.task];
  t.kind = kKind;  // known to the compiler
  const Unit<T> u = d.units[entry.unit];
  const int all = static_cast<int>(blockIdx.x - static_cast<unsigned>(entry.first_block));
  const int of_seed =
      static_cast<int>(grouped::blocks_of_seed(t, {u.images_count, 1, sweep.coupled}));
  const int block = all % of_seed, seed = all / of_seed;
  if constexpr (kKind == Kind::fill) fill(t, u, block);
  if constexpr (kKind == Kind::conv) convolve(t, u, block);
  if constexpr (kKind == Kind::copy) copy(t, u, block);
  if constexpr (kKind == Kind::avg_pool) pool(t, u, block, false);
  if constexpr (kKind == Kind::max_pool) pool(t, u, block, true);
  if constexpr (kKind == Kind::global_avg_pool) global_pool(t, u, block);
  if constexpr (kKind == Kind::linear) linear(t, u, block);
  if constexpr (kKind == Kind::signs) pack(t, u, block);
  if constexpr (kKind == Kind::statistics || kKind == Kind::norm_sums) {
    TEGNAS_SHARED(double, partial, grouped::kThreads / kWarpSize);
    if constexpr (kKind == Kind::statistics) {
      statistics(t, u, block, partial);
    } else {
      norm_sums(t, u, block, seed, partial);
    }
  }
  if constexpr (kKind == Kind::seed) engine::seed(t, u, block, seed, sweep);
  if constexpr (kKind == Kind::conv_grad) convolve_back(t, u, block, seed);
  if constexpr (kKind == Kind::copy_grad || kKind == Kind::avg_pool_grad ||
                kKind == Kind::max_pool_grad || kKind == Kind::global_avg_pool_grad ||
                kKind == Kind::linear_grad || kKind == Kind::norm_grad) {
    elementwise_back<T, kKind>(t, u, block, seed, sweep.coupled);
  }
  if constexpr (kKind == Kind::conv_rows) convolve_rows(t, u, block, seed, sweep);
  if constexpr (kKind == Kind::linear_rows) linear_rows(t, u, block, seed, sweep);
  if constexpr (kKind == Kind::norm_rows) norm_rows(t, u, block, seed, sweep);
}

template <typename T, int kKind = 0>
void launch_group(const Stream& stream, const Descriptors<T>& d, const Group& group,
                  const Sweep& sweep) {
  constexpr int kKinds = static_cast<int>(Kind::count);
  if constexpr (kKind < kKinds) {
    if (static_cast<int>(group.kind) != kKind) {
      return launch_group<T, kKind + 1>(stream, d, group, sweep);
    }
    stream.launch(grouped::kind_name(group.kind), dim3(static_cast<unsigned>(group.blocks)),
                  dim3(grouped::kThreads), 0, group_kernel<T, static_cast<Kind>(kKind)>, d,
                  d.entries + group.first_entry, static_cast<int>(group.entries), sweep);
  }
}

}  // namespace tegnas::cuda::engine
