// Each image against all others of its batch, one kernel per block: Cholesky of the scaled kernel
// in shared memory, the inverse of the factor in place, and sums over the inverse that is never
// stored.
//
// Sizes. The packed triangle takes 4n(n+1) bytes: 18 KiB at n = 64, 67 KiB at n = 128. A thread per
// column while the factor is inverted, a warp per row of the inverse in the sums. Work is about
// n³/2 multiply-adds (0.13 M at n = 64) behind 4n barriers, whose latency is the bound.
#pragma once

#include <cfloat>
#include <cstdint>

#include "kernels/cuda/cholesky.cuh"

namespace tegnas::cuda {
namespace leave_one_out {

constexpr int kMostRows = cholesky::kThreads;  // a thread per column

// L becomes its inverse, in place.
__device__ inline void invert(const cholesky::Factor& f) {
  const int j = threadIdx.x;
  for (int i = 0; i < f.n; ++i) {
    double value = 0;
    if (j < i) {
      for (int k = j; k < i; ++k) value -= f.a[triangle(i) + k] * f.a[triangle(k) + j];
      value *= f.inverses[i];
    } else if (j == i) {
      value = f.inverses[i];
    }
    __syncthreads();
    if (j <= i) f.a[triangle(i) + j] = value;
    __syncthreads();
  }
}

__global__ void __launch_bounds__(cholesky::kThreads)
    kernel(const double* kernels, int n, double* inflations, double* errors) {
  SharedArena arena;
  const SharedArray<double> a = arena.take<double>(triangle(n));
  const SharedArray<double> inverses = arena.take<double>(n), column = arena.take<double>(n);
  const SharedArray<double> weights = arena.take<double>(n);  // 1 / diagonal of the kernel
  TEGNAS_SHARED(double, partial, cholesky::kWarps);
  const int lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  const int64_t b = blockIdx.x;
  const double* from = kernels + b * n * n;

  const auto fails = [&] {
    if (threadIdx.x == 0) inflations[b] = errors[b] = HUGE_VAL;
  };
  double unusable = 0;
  for (int i = threadIdx.x; i < n; i += cholesky::kThreads) {
    const double square = from[static_cast<int64_t>(i) * n + i];
    if (!(square > 0)) unusable = 1;
    column[i] = sqrt(square);
    weights[i] = 1 / square;
  }
  if (block_max(unusable, partial) > 0) return fails();
  for (int i = warp; i < n; i += cholesky::kWarps) {
    for (int j = lane; j <= i; j += kWarpSize) {
      a[triangle(i) + j] = from[static_cast<int64_t>(i) * n + j] / (column[i] * column[j]);
    }
  }
  __syncthreads();
  const cholesky::Factor factor{a, inverses, n};
  if (!cholesky::factorise(factor, column, n * DBL_EPSILON)) return fails();
  invert(factor);

  double inflation = 0, error = 0;  // of the rows of this warp
  for (int i = warp; i < n; i += cholesky::kWarps) {
    double own = 0, share = 0;
    for (int j = lane; j < n; j += kWarpSize) {
      double entry = 0;
      for (int k = i > j ? i : j; k < n; ++k) entry += a[triangle(k) + i] * a[triangle(k) + j];
      if (j == i) own = entry;
      share += entry * entry * weights[j];
    }
    own = warp_sum(own);
    share = warp_sum(share);
    inflation += own;
    error += share / (own * own * weights[i]);
  }
  inflation = block_sum(lane == 0 ? inflation : 0.0, partial) / n;
  error = block_sum(lane == 0 ? error : 0.0, partial) / n;
  if (!(inflation <= DBL_MAX && error <= DBL_MAX)) return fails();
  if (threadIdx.x == 0) {
    inflations[b] = inflation;
    errors[b] = error;
  }
}

}  // namespace leave_one_out

// 1 ≤ n ≤ leave_one_out::kMostRows. inflations and errors (batch), as kernels/cpu/leave_one_out.h
// has them.
inline void leave_one_out_sums(const Stream& stream, const double* kernels, int64_t batch, int n,
                               double* inflations, double* errors) {
  if (batch == 0) return;
  const size_t shared = (triangle(n) + 3 * n) * sizeof(double);
  stream.launch("leave_one_out", dim3(static_cast<unsigned>(batch)), dim3(cholesky::kThreads),
                shared, leave_one_out::kernel, kernels, n, inflations, errors);
}

}  // namespace tegnas::cuda
