// Extreme eigenvalues and condition number of symmetric matrices, one matrix per block.
//
// Reduced to tridiagonal form (tridiagonal.cuh), then the two extremes by multisection: 32 lanes
// count eigenvalues at 32 points, which divides the interval by 33 per round.
#pragma once

#include "kernels/cuda/tridiagonal.cuh"

namespace tegnas::cuda {
namespace eig {

// The largest x with fewer than `wanted` eigenvalues below it, by one warp.
__device__ inline double find_eigenvalue(const tridiagonal::Matrix& m, int wanted) {
  const int lane = threadIdx.x % kWarpSize;
  double bound = 0;
  for (int i = lane; i < m.n; i += kWarpSize) {
    const double before = i > 0 ? sqrt(static_cast<double>(m.squares[i])) : 0.0;
    const double after = i + 1 < m.n ? sqrt(static_cast<double>(m.squares[i + 1])) : 0.0;
    bound = fmax(bound, fabs(static_cast<double>(m.diagonal[i])) + before + after);
  }
  bound = warp_max(bound) * (1 + 8 * DBL_EPSILON) + DBL_MIN;
  double low = -bound, high = bound;
  constexpr int kMostRounds = 40;
  for (int round = 0; round < kMostRounds; ++round) {
    const double width = high - low;
    // The interval is as narrow as the largest eigenvalue's rounding error is not: far below it.
    if (width <= DBL_EPSILON * fmax(fabs(low), fabs(high)) || width <= 1e-22 * bound) break;
    const double step = width / (kWarpSize + 1);
    const bool enough = tridiagonal::count_below(m, low + step * (lane + 1)) >= wanted;
    const unsigned lanes = __ballot_sync(kAllLanes, enough);
    const int first = lanes == 0 ? kWarpSize : __ffs(static_cast<int>(lanes)) - 1;
    if (first < kWarpSize) high = low + step * (first + 1);
    low += step * first;
  }
  return (low + high) / 2;
}

// condition: +inf where the smallest is not above n·ε·largest or anything is not finite.
__global__ void __launch_bounds__(tridiagonal::kMostRows)
    kernel(const double* matrices, int n, double* condition, double* largest, double* smallest) {
  SharedArena arena;
  const SharedArray<double> a = arena.take<double>(triangle(n));
  const SharedArray<double> v = arena.take<double>(n), w = arena.take<double>(n);
  const SharedArray<double> diagonal = arena.take<double>(n), squares = arena.take<double>(n);
  TEGNAS_SHARED(double, partial, tridiagonal::kMostWarps);
  TEGNAS_SHARED(double, extremes, 2);
  const tridiagonal::Matrix m{a, v, w, diagonal, squares, partial, n};
  const int64_t b = blockIdx.x;

  const double* from = matrices + b * n * n;
  const double scale = tridiagonal::load_scaled(
      [&](int i, int j) { return from[static_cast<int64_t>(i) * n + j]; }, m);
  if (scale < 0) {
    if (threadIdx.x == 0) {
      condition[b] = HUGE_VAL;
      largest[b] = smallest[b] = NAN;
    }
    return;
  }
  tridiagonal::reduce(m);
  const int warps = blockDim.x / kWarpSize;
  for (int end = 0; end < 2; ++end) {
    if (static_cast<int>(threadIdx.x) / kWarpSize != end % warps) continue;
    const double found = find_eigenvalue(m, end == 0 ? 1 : n);
    if (threadIdx.x % kWarpSize == 0) extremes[end] = found;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  const double low = extremes[0], high = extremes[1];
  smallest[b] = low * scale;
  largest[b] = high * scale;
  condition[b] = low > n * DBL_EPSILON * high ? high / low : HUGE_VAL;
}

}  // namespace eig

// matrices (batch, n, n), 1 ≤ n ≤ tridiagonal::kMostRows, of which the lower triangles are read.
inline void eig_condition(const Stream& stream, const double* matrices, int64_t batch, int n,
                          double* condition, double* largest, double* smallest) {
  if (batch == 0) return;
  stream.launch("eig_condition", dim3(static_cast<unsigned>(batch)), dim3(tridiagonal::threads(n)),
                tridiagonal::shared_bytes(n), eig::kernel, matrices, n, condition, largest,
                smallest);
}

}  // namespace tegnas::cuda
