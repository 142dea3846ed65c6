// Effective rank of the points whose squared distances are given, one matrix per block.
//
// The centred matrix is reduced to tridiagonal form (tridiagonal.cuh), then every thread
// halves the interval of one eigenvalue (Sturm sequences), all of them at once, since all are
// wanted.
//
// Sizes. Those of eig_condition, and 55 halvings of n divisions in a row, 3500 at n = 64: about as
// long as the reduction.
#pragma once

#include "kernels/cuda/tridiagonal.cuh"

namespace tegnas::cuda {
namespace pattern_rank_of {

// The eigenvalue with `index` others below it, of a matrix without negative ones but for rounding
// and with entries of at most 1, so that none exceeds n. An absolute error is enough: a small
// eigenvalue has a small share.
__device__ inline double eigenvalue(const tridiagonal::Matrix& m, int index) {
  double low = 0, high = m.n;
  for (int halving = 0; halving < 55; ++halving) {
    const double middle = (low + high) / 2;
    if (tridiagonal::count_below(m, middle) > index) {
      high = middle;
    } else {
      low = middle;
    }
  }
  return low;
}

__global__ void __launch_bounds__(tridiagonal::kMostRows)
    kernel(const double* distances, int n, double* ranks) {
  SharedArena arena;
  const SharedArray<double> a = arena.take<double>(triangle(n));
  const SharedArray<double> v = arena.take<double>(n), w = arena.take<double>(n);
  const SharedArray<double> diagonal = arena.take<double>(n), squares = arena.take<double>(n);
  TEGNAS_SHARED(double, partial, tridiagonal::kMostWarps);
  const tridiagonal::Matrix m{a, v, w, diagonal, squares, partial, n};
  const int64_t b = blockIdx.x;
  const double* from = distances + b * n * n;

  const int row = threadIdx.x;
  double sum = 0;
  for (int j = 0; j < n && row < n; ++j) sum += from[static_cast<int64_t>(j) * n + row];
  if (row < n) v[row] = sum / n;
  const double mean = block_sum(sum, partial) / n / n;
  const double scale = tridiagonal::load_scaled(
      [&](int i, int j) { return v[i] + v[j] - from[static_cast<int64_t>(i) * n + j] - mean; }, m);
  if (scale < 0) {
    if (threadIdx.x == 0) ranks[b] = NAN;
    return;
  }
  tridiagonal::reduce(m);
  const double value = row < n ? eigenvalue(m, row) : 0.0;
  const double all = block_sum(value, partial);
  const double part = value / all;
  const double entropy = block_sum(part > 0 ? -part * log(part) : 0.0, partial);
  if (threadIdx.x == 0) ranks[b] = all > 0 ? exp(entropy) : NAN;
}

}  // namespace pattern_rank_of

// distances (batch, n, n), 1 ≤ n ≤ tridiagonal::kMostRows, symmetric.
inline void pattern_rank(const Stream& stream, const double* distances, int64_t batch, int n,
                         double* ranks) {
  if (batch == 0) return;
  stream.launch("pattern_rank", dim3(static_cast<unsigned>(batch)), dim3(tridiagonal::threads(n)),
                tridiagonal::shared_bytes(n), pattern_rank_of::kernel, distances, n, ranks);
}

}  // namespace tegnas::cuda
