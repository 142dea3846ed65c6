// What the threads of a block do together.
#pragma once

#include "kernels/cuda/device.cuh"

namespace tegnas::cuda {

constexpr int kWarpSize = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
__host__ __device__ constexpr int64_t at_most(int64_t a, int64_t limit) {
  return a < limit ? a : limit;
}

// The same sum in every lane; in the same order every time.
template <typename T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int lanes = kWarpSize / 2; lanes > 0; lanes /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, lanes);
  }
  return value;
}

__device__ __forceinline__ double warp_max(double value) {
  for (int lanes = kWarpSize / 2; lanes > 0; lanes /= 2) {
    value = fmax(value, __shfl_xor_sync(kAllLanes, value, lanes));
  }
  return value;
}

// Sum over all threads, in every thread. The block is whole warps; `partial` has one entry per
// warp. Ends with a barrier.
template <typename T>
__device__ __forceinline__ T block_sum(T value, const SharedArray<T>& partial) {
  value = warp_sum(value);
  const int warps = blockDim.x / kWarpSize;
  if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  value = 0;
  for (int warp = 0; warp < warps; ++warp) value += partial[warp];
  __syncthreads();
  return value;
}

__device__ __forceinline__ double block_max(double value, const SharedArray<double>& partial) {
  value = warp_max(value);
  const int warps = blockDim.x / kWarpSize;
  if (threadIdx.x % kWarpSize == 0) partial[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  value = partial[0];
  for (int warp = 1; warp < warps; ++warp) value = fmax(value, partial[warp]);
  __syncthreads();
  return value;
}

// Where row i of a lower triangle begins that is stored row by row.
__host__ __device__ constexpr int triangle(int i) { return i * (i + 1) / 2; }

}  // namespace tegnas::cuda
