// Cholesky factorisation of one matrix by one block.
#pragma once

#include "kernels/cuda/block.cuh"

namespace tegnas::cuda::cholesky {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarpSize;

struct Factor {
  SharedArray<double> a;         // packed lower triangle; its diagonal is not that of the factor
  SharedArray<double> inverses;  // of the diagonal of the factor: one division per row
  int n;
};

// a = L Lᵀ in place; false, in every thread, where a pivot is not above the threshold.
__device__ inline bool factorise(const Factor& f, const SharedArray<double>& column,
                                 double threshold) {
  const int lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  for (int k = 0; k < f.n; ++k) {
    const double pivot = f.a[triangle(k) + k];
    if (!(pivot > threshold)) return false;
    const double inverse = 1 / sqrt(pivot);
    if (threadIdx.x == 0) f.inverses[k] = inverse;
    for (int row = k + 1 + threadIdx.x; row < f.n; row += kThreads) {
      const double value = f.a[triangle(row) + k] * inverse;
      f.a[triangle(row) + k] = value;
      column[row] = value;
    }
    __syncthreads();
    for (int row = k + 1 + warp; row < f.n; row += kWarps) {
      const double value = column[row];
      for (int j = k + 1 + lane; j <= row; j += kWarpSize) {
        f.a[triangle(row) + j] -= value * column[j];
      }
    }
    __syncthreads();
  }
  return true;
}

}  // namespace tegnas::cuda::cholesky
