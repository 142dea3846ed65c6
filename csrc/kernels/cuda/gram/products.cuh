// Products of rows with rows in float64 on the device: partial Grams, and their sum.
//
// A block makes a tile of 64 × 64 products, 4 × 4 per thread, over 32 columns in shared memory at
// a time. Sizes: 256 threads, 33 KiB; a warp reads 8 times 128 bytes of shared memory per 16
// multiply-adds, 8 cycles of both on sm_90 (64 float64 multiply-adds per SM and cycle), so neither
// waits for the other; on sm_80 (32 per cycle) arithmetic binds. Bytes: with 64 images, 4 or 8
// bytes of a panel are read for 64 multiply-adds, far above the ridge of either (about 6 at 34
// TFLOP/s of float64 and 3.35 TB/s).
//
// With 64 images one network is one tile, which would leave a device empty; so columns are cut
// into splits with a partial Gram each, which one block alone adds to, and the splits are added in
// order at the end. No atomics: the same numbers every time.
#pragma once

#include <cstdint>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/gram/tile.h"

namespace tegnas::cuda::gram {

// `count` rows of `width` numbers.
template <typename T>
struct RowSet {
  const T* data;
  int64_t row_stride, column_stride;
  int count;
};

// sums[r][c] += row (first_left + y + 16 r) · row (first_right + x + 16 c) over the columns
// [begin, end), for thread (x, y).
template <typename T>
__device__ inline void add_products(const RowSet<T>& left, const RowSet<T>& right, int first_left,
                                    int first_right, int64_t begin, int64_t end,
                                    const SharedArray<double>& left_tile,
                                    const SharedArray<double>& right_tile,
                                    double (&sums)[kEach][kEach]) {
  constexpr int kStride = kTile + 1;
  const int x = threadIdx.x % kSide, y = threadIdx.x / kSide;
  const int slot = threadIdx.x % kColumns;
  for (int64_t column = begin; column < end; column += kColumns) {
    const int64_t c = column + slot;
    for (int r = threadIdx.x / kColumns; r < kTile; r += kProductThreads / kColumns) {
      left_tile[slot * kStride + r] =
          c < end && first_left + r < left.count
              ? static_cast<double>(
                    left.data[(first_left + r) * left.row_stride + c * left.column_stride])
              : 0.0;
      right_tile[slot * kStride + r] =
          c < end && first_right + r < right.count
              ? static_cast<double>(
                    right.data[(first_right + r) * right.row_stride + c * right.column_stride])
              : 0.0;
    }
    __syncthreads();
    for (int d = 0; d < kColumns; ++d) {
      double l[kEach], r[kEach];
      for (int i = 0; i < kEach; ++i) {
        l[i] = left_tile[d * kStride + y + kSide * i];
        r[i] = right_tile[d * kStride + x + kSide * i];
      }
      for (int i = 0; i < kEach; ++i) {
        for (int j = 0; j < kEach; ++j) sums[i][j] += l[i] * r[j];
      }
    }
    __syncthreads();
  }
}

// The partial Grams (splits, networks, left, right) of the networks of a chunk.
struct Partial {
  double* data;
  int first_network, networks, all_networks, left, right;
  bool symmetric;  // only tiles on and below the diagonal

  __host__ __device__ int left_tiles() const { return (left + kTile - 1) / kTile; }
  __host__ __device__ int right_tiles() const { return (right + kTile - 1) / kTile; }
  __host__ __device__ int64_t tiles() const { return int64_t{left_tiles()} * right_tiles(); }
  __device__ double* of(int64_t split, int64_t network) const {
    return data + (split * all_networks + first_network + network) * left * right;
  }
};

__device__ inline void add_tile(const Partial& partial, double* to, int first_left, int first_right,
                                const double (&sums)[kEach][kEach]) {
  const int x = threadIdx.x % kSide, y = threadIdx.x / kSide;
  for (int i = 0; i < kEach; ++i) {
    const int row = first_left + y + kSide * i;
    for (int j = 0; j < kEach; ++j) {
      const int column = first_right + x + kSide * j;
      if (row < partial.left && column < partial.right) {
        to[static_cast<int64_t>(row) * partial.right + column] += sums[i][j];
      }
    }
  }
}

// Adds the products of two panels' rows, (networks, images, width), one split per grid.y.
template <typename T>
__global__ void __launch_bounds__(kProductThreads)
    products_kernel(const T* left, const T* right, int64_t width, int64_t split_width,
                    Partial partial) {
  TEGNAS_SHARED(double, left_tile, kColumns*(kTile + 1));
  TEGNAS_SHARED(double, right_tile, kColumns*(kTile + 1));
  const int64_t network = blockIdx.x / partial.tiles(), tile = blockIdx.x % partial.tiles();
  const int first_left = static_cast<int>(tile / partial.right_tiles()) * kTile;
  const int first_right = static_cast<int>(tile % partial.right_tiles()) * kTile;
  if (partial.symmetric && first_right > first_left) return;
  double sums[kEach][kEach] = {};
  const int64_t begin = blockIdx.y * split_width;
  add_products<T>({left + network * partial.left * width, width, 1, partial.left},
                  {right + network * partial.right * width, width, 1, partial.right}, first_left,
                  first_right, begin, at_most(begin + split_width, width), left_tile, right_tile,
                  sums);
  add_tile(partial, partial.of(blockIdx.y, network), first_left, first_right, sums);
}

// A linear layer with one position: inputs and gradients (networks, images, features).
template <typename T>
struct Linear {
  const T *input, *gradient;
  int64_t input_strides[3], gradient_strides[3];

  __device__ RowSet<T> inputs(int64_t network, int images) const {
    return {input + network * input_strides[0], input_strides[1], input_strides[2], images};
  }
  __device__ RowSet<T> gradients(int64_t network, int images) const {
    return {gradient + network * gradient_strides[0], gradient_strides[1], gradient_strides[2],
            images};
  }
};

// Adds (X Xᵀ) ∘ (G Gᵀ): the gradients of the weights are outer products and never formed.
template <typename T>
__global__ void __launch_bounds__(kProductThreads)
    linear_kernel(Linear<T> left, Linear<T> right, int64_t in, int64_t out, Partial partial) {
  TEGNAS_SHARED(double, left_tile, kColumns*(kTile + 1));
  TEGNAS_SHARED(double, right_tile, kColumns*(kTile + 1));
  const int64_t network = blockIdx.x / partial.tiles(), tile = blockIdx.x % partial.tiles();
  const int first_left = static_cast<int>(tile / partial.right_tiles()) * kTile;
  const int first_right = static_cast<int>(tile % partial.right_tiles()) * kTile;
  if (partial.symmetric && first_right > first_left) return;
  double products[kEach][kEach] = {}, gradients[kEach][kEach] = {};
  const int64_t at = partial.first_network + network;
  add_products(left.inputs(at, partial.left), right.inputs(at, partial.right), first_left,
               first_right, 0, in, left_tile, right_tile, products);
  add_products(left.gradients(at, partial.left), right.gradients(at, partial.right), first_left,
               first_right, 0, out, left_tile, right_tile, gradients);
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) products[i][j] *= gradients[i][j];
  }
  add_tile(partial, partial.of(0, network), first_left, first_right, products);
}

constexpr int kSumThreads = 256;

// out (all networks, left, right) = Σ over splits, in order; mirrors a symmetric one.
__global__ void __launch_bounds__(kSumThreads)
    sum_kernel(Partial partial, int splits, double* out) {
  const int64_t size = int64_t{partial.left} * partial.right;
  const int64_t index = int64_t{blockIdx.x} * kSumThreads + threadIdx.x;
  if (index >= size * partial.all_networks) return;
  const int64_t network = index / size;
  int64_t row = index % size / partial.right, column = index % size % partial.right;
  if (partial.symmetric && column / kTile > row / kTile) {
    const int64_t swapped = row;
    row = column;
    column = swapped;
  }
  double sum = 0;
  for (int split = 0; split < splits; ++split) {
    sum +=
        partial
            .data[(split * partial.all_networks + network) * size + row * partial.right + column];
  }
  out[index] = sum;
}

}  // namespace tegnas::cuda::gram
