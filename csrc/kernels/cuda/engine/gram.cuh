// Gram matrices of the panels of many networks: Σ over rows of the Jacobian, in float64.
//
// As gram/products.cuh, a block makes 64 × 64 products; here images lie side by side, so a slice
// of 32 rows is read with neighbouring threads at neighbouring images. One block per network and
// tile: 768 networks are several waves of any device, so no splits are needed. Two blocks share an
// SM, so that one computes while the other waits for its slice.
#pragma once

#include "kernels/cuda/engine/unit.cuh"
#include "kernels/cuda/gram/tile.h"

namespace tegnas::cuda::engine {

// Adds left rightᵀ over the first `searched_rows` rows to `searched`, and over all `rows` to `all`.
template <typename T>
struct GramTask {
  const T *left, *right;  // (rows, images)
  int64_t searched_rows, rows;
  double *searched, *all;  // (left images, right images); all: or null
};

struct GramShape {
  int32_t left, right;

  __host__ __device__ int right_tiles() const { return (right + gram::kTile - 1) / gram::kTile; }
  __host__ __device__ int tiles() const {
    return (left + gram::kTile - 1) / gram::kTile * right_tiles();
  }
};

template <typename T>
__device__ inline void add_rows(const GramTask<T>& t, const GramShape& shape, int first_left,
                                int first_right, int64_t begin, int64_t end,
                                const SharedArray<double>& left_tile,
                                const SharedArray<double>& right_tile,
                                double (&sums)[gram::kEach][gram::kEach]) {
  constexpr int kStride = gram::kTile + 1;
  const int x = threadIdx.x % gram::kSide, y = threadIdx.x / gram::kSide;
  const int image = threadIdx.x % gram::kTile;
  const bool has_left = first_left + image < shape.left;
  const bool has_right = first_right + image < shape.right;
  for (int64_t row = begin; row < end; row += gram::kColumns) {
    for (int slot = threadIdx.x / gram::kTile; slot < gram::kColumns;
         slot += gram::kProductThreads / gram::kTile) {
      const bool real = row + slot < end;
      left_tile[slot * kStride + image] =
          real && has_left
              ? static_cast<double>(t.left[(row + slot) * shape.left + first_left + image])
              : 0.0;
      right_tile[slot * kStride + image] =
          real && has_right
              ? static_cast<double>(t.right[(row + slot) * shape.right + first_right + image])
              : 0.0;
    }
    __syncthreads();
    for (int d = 0; d < gram::kColumns; ++d) {
      double l[gram::kEach], r[gram::kEach];
      for (int i = 0; i < gram::kEach; ++i) {
        l[i] = left_tile[d * kStride + y + gram::kSide * i];
        r[i] = right_tile[d * kStride + x + gram::kSide * i];
      }
      for (int i = 0; i < gram::kEach; ++i) {
        for (int j = 0; j < gram::kEach; ++j) sums[i][j] += l[i] * r[j];
      }
    }
    __syncthreads();
  }
}

__device__ inline void add_to(double* to, const GramShape& shape, int first_left, int first_right,
                              const double (&sums)[gram::kEach][gram::kEach]) {
  const int x = threadIdx.x % gram::kSide, y = threadIdx.x / gram::kSide;
  for (int i = 0; i < gram::kEach; ++i) {
    for (int j = 0; j < gram::kEach; ++j) {
      const int row = first_left + y + gram::kSide * i, column = first_right + x + gram::kSide * j;
      if (row < shape.left && column < shape.right) {
        to[int64_t{row} * shape.right + column] += sums[i][j];
      }
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(gram::kProductThreads, 2)
    gram_kernel(const GramTask<T>* tasks, GramShape shape) {
  TEGNAS_SHARED(double, left_tile, gram::kColumns*(gram::kTile + 1));
  TEGNAS_SHARED(double, right_tile, gram::kColumns*(gram::kTile + 1));
  const GramTask<T> t = tasks[blockIdx.x / shape.tiles()];
  const int tile = blockIdx.x % shape.tiles();
  const int first_left = tile / shape.right_tiles() * gram::kTile;
  const int first_right = tile % shape.right_tiles() * gram::kTile;
  double sums[gram::kEach][gram::kEach] = {};
  // First the searched rows, then the others on top; a loop, so that the code is there once.
  for (int part = 0; part < 2; ++part) {
    double* to = part == 0 ? t.searched : t.all;
    if (to == nullptr) return;
    add_rows(t, shape, first_left, first_right, part == 0 ? 0 : t.searched_rows,
             part == 0 ? t.searched_rows : t.rows, left_tile, right_tile, sums);
    add_to(to, shape, first_left, first_right, sums);
  }
}

template <typename T>
void launch_grams(const Stream& stream, const GramTask<T>* tasks, int64_t count,
                  const GramShape& shape) {
  if (count * shape.tiles() == 0) return;
  stream.launch("engine gram", dim3(static_cast<unsigned>(count * shape.tiles())),
                dim3(gram::kProductThreads), 0, gram_kernel<T>, tasks, shape);
}

}  // namespace tegnas::cuda::engine
