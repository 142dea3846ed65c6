// One launch for all tasks of a group: a block finds its task among them.
#pragma once

#include "kernels/cuda/engine/rows.cuh"

namespace tegnas::cuda::engine {

using grouped::Entry;
using grouped::Group;
using grouped::Kernel;

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

// Blocks of an SM that registers leave room for, at least. Nearly all is bound by memory: to keep
// 3.35 TB/s busy over a latency of about 600 ns each of 132 SMs needs 15 KiB under way, which three
// blocks reach with five reads of four bytes per thread. That leaves 80 registers per thread, 128
// with two blocks (float64, and the tiles of sums of rows), which is enough not to spill.
template <typename T, Kernel kKernel>
constexpr int blocks_per_sm() {
  const int blocks = sizeof(T) == sizeof(float) ? 3 : 2;
  return kKernel == Kernel::conv_rows ? blocks - 1 : blocks;
}

// Kernels with a thread per number, whose blocks do several pieces.
constexpr bool in_pieces(Kernel kernel) {
  return kernel == Kernel::elementwise || kernel == Kernel::gates || kernel == Kernel::signs ||
         kernel == Kernel::elementwise_grad;
}

template <typename T, Kernel kKernel>
__device__ __forceinline__ void do_piece(const Task* parts, const Unit<T>& unit, int piece,
                                         int seed, const Sweep& sweep) {
  // Copies, so that what is written can't be taken for a change of them.
  const Task t = *parts;
  const Unit<T> u = unit;
  if constexpr (kKernel == Kernel::elementwise_grad) {
    elementwise_back(t, u, piece, seed, sweep);
  } else {
    for_kind<kKernel>(kind_in(kKernel, t), [&](auto kind) { carry_out(kind, parts, t, u, piece); });
  }
}

template <typename T, Kernel kKernel>
__global__ void __launch_bounds__(grouped::kThreads, (blocks_per_sm<T, kKernel>()))
    group_kernel(Descriptors<T> d, const Entry* entries, int count, Sweep sweep) {
  const Entry entry = entry_of(entries, count, blockIdx.x);
  const int all = static_cast<int>(blockIdx.x - static_cast<unsigned>(entry.first_block));
  const int of_unit = all % entry.unit_blocks;
  const int block = of_unit % entry.seed_blocks, seed = of_unit / entry.seed_blocks;
  const Task* task = d.tasks + entry.task;
  const Unit<T>* unit = d.units + entry.unit + all / entry.unit_blocks;
  if constexpr (in_pieces(kKernel)) {
    // Task and unit are read again for every piece, from the nearest cache by then: kept from one
    // to the next they would take more registers than there are.
#pragma unroll 1
    for (int piece = block * grouped::kPieces; piece < (block + 1) * grouped::kPieces; ++piece) {
      do_piece<T, kKernel>(task, *unit, piece, seed, sweep);
    }
    return;
  }
  // Copies, so that what is written can't be taken for a change of them.
  const Task t = *task;
  const Unit<T> u = *unit;
  if constexpr (kKernel == Kernel::statistics || kKernel == Kernel::norm_sums) {
    TEGNAS_SHARED(double, partial, grouped::kThreads / kWarpSize);
    if constexpr (kKernel == Kernel::statistics) {
      statistics(t, u, block, partial);
    } else {
      norm_sums(t, u, block, seed, partial);
    }
  } else if constexpr (kKernel == Kernel::conv) {
    convolve(t, u, block);
  } else if constexpr (kKernel == Kernel::conv_grad) {
    convolve_back(t, u, block, seed);
  } else if constexpr (kKernel == Kernel::conv_rows) {
    convolve_rows(t, u, block, seed, sweep);
  } else if constexpr (kKernel == Kernel::rows) {
    for_kind<kKernel>(kind_in(kKernel, t),
                      [&](auto kind) { write_rows(kind, t, u, block, seed, sweep); });
  }
}

template <typename T, int kKernel = 0>
void launch_group(const Stream& stream, const Descriptors<T>& d, const Group& group,
                  const Sweep& sweep) {
  if constexpr (kKernel < grouped::kKernels) {
    if (static_cast<int>(group.kernel) != kKernel) {
      return launch_group<T, kKernel + 1>(stream, d, group, sweep);
    }
    stream.launch(grouped::kernel_name(group.kernel), dim3(static_cast<unsigned>(group.blocks)),
                  dim3(grouped::kThreads), 0, group_kernel<T, static_cast<Kernel>(kKernel)>, d,
                  d.entries + group.first_entry, static_cast<int>(group.entries), sweep);
  }
}

}  // namespace tegnas::cuda::engine
