// Extreme eigenvalues and condition number of symmetric matrices, one matrix per block.
//
// Householder tridiagonalisation of the lower triangle in shared memory, then the two extremes by
// multisection: 32 lanes count eigenvalues at 32 points (Sturm sequences), which divides the
// interval by 33 per round. Source of both: Golub and Van Loan, Matrix Computations, 8.3 and 8.4.
//
// Sizes. One thread per row, in whole warps: up to n = 32 a matrix has one warp and its barriers
// are free. The packed triangle takes 4n(n+1) bytes: 17 KiB at n = 64, so that an SM of sm_80
// (164 KiB) holds 8 blocks and one of sm_90 (228 KiB) holds 12: 1024 matrices are one wave on 132
// SMs. At n = 128 it takes 66 KiB: 2 and 3 blocks. Work is 4/3 n³ multiply-adds (0.35 M at n = 64)
// at 3 to 4 reads of shared memory each, whose latency over 7n barriers is the bound, not the
// arithmetic. Rows of a packed triangle begin at i(i+1)/2, whose remainders by 16 doubles (the
// width of the banks) are spread, and the transposed half is read along rows: few conflicts.
#pragma once

#include <cfloat>
#include <cstdint>

#include "kernels/cuda/block.cuh"

namespace tegnas::cuda {
namespace eig {

constexpr int kMostRows = 128;
constexpr int kExtraRows = 4;  // v, w, diagonal, squared off-diagonal

constexpr int kMostWarps = kMostRows / kWarpSize;

struct Matrix {
  SharedArray<double> a;  // packed lower triangle
  SharedArray<double> v, w, diagonal, squares;
  SharedArray<double> partial;
  int n;
};

// Takes entry(i, j) as the lower triangle; gives the power of two that was divided by, so that the
// largest entry is about 1, or -1 where an entry is not finite.
template <typename Entry>
__device__ inline double load_scaled(const Entry& entry, const Matrix& m) {
  const int lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  const int warps = blockDim.x / kWarpSize;
  double most = 0;
  for (int i = warp; i < m.n; i += warps) {
    for (int j = lane; j <= i; j += kWarpSize) {
      const double value = entry(i, j);
      m.a[triangle(i) + j] = value;
      most = fabs(value) <= DBL_MAX ? fmax(most, fabs(value)) : 2 * DBL_MAX;
    }
  }
  most = block_max(most, m.partial);
  if (!(most <= DBL_MAX)) return -1;
  if (most == 0) return 1;
  int exponent;
  frexp(most, &exponent);
  for (int k = threadIdx.x; k < triangle(m.n); k += blockDim.x) {
    m.a[k] = ldexp(static_cast<double>(m.a[k]), -exponent);
  }
  __syncthreads();
  return ldexp(1.0, exponent);
}

// w = (leading rows × rows) v for this thread's row.
__device__ __forceinline__ double row_times_vector(const Matrix& m, int row, int rows) {
  double low = 0, high = 0;
  for (int j = 0; j <= row; ++j) low += m.a[triangle(row) + j] * m.v[j];
  for (int j = row + 1; j < rows; ++j) high += m.a[triangle(j) + row] * m.v[j];
  return low + high;
}

// Reflects row i (i ≥ 2) to its last entry below the diagonal and the leading i × i with it.
__device__ inline void reflect(const Matrix& m, int i) {
  const int t = threadIdx.x;
  const double x = t < i ? static_cast<double>(m.a[triangle(i) + t]) : 0.0;
  const double rest = block_sum(t < i - 1 ? x * x : 0.0, m.partial);
  const double last = m.a[triangle(i) + i - 1];
  if (rest == 0) {
    if (t == 0) m.squares[i] = last * last;
    return;
  }
  const double norm = sqrt(last * last + rest);
  const double reflected = last > 0 ? -norm : norm;
  const double tau = (reflected - last) / reflected;
  const double v = t < i - 1 ? x / (last - reflected) : 1.0;
  if (t < i) m.v[t] = v;
  if (t == 0) m.squares[i] = reflected * reflected;
  __syncthreads();
  double w = t < i ? tau * row_times_vector(m, t, i) : 0.0;
  const double projection = block_sum(t < i ? w * v : 0.0, m.partial);
  w -= tau / 2 * projection * v;
  if (t < i) m.w[t] = w;
  __syncthreads();
  const int lane = t % kWarpSize;
  for (int row = t / kWarpSize; row < i; row += blockDim.x / kWarpSize) {
    const double row_v = m.v[row], row_w = m.w[row];
    for (int j = lane; j <= row; j += kWarpSize) {
      m.a[triangle(row) + j] -= row_v * m.w[j] + row_w * m.v[j];
    }
  }
  __syncthreads();
}

// The diagonal and the squares beside it of the tridiagonal matrix with the same eigenvalues.
__device__ inline void reduce(const Matrix& m) {
  for (int i = m.n - 1; i >= 2; --i) reflect(m, i);
  if (threadIdx.x == 0 && m.n >= 2) m.squares[1] = m.a[1] * m.a[1];
  const int row = threadIdx.x;
  if (row < m.n) m.diagonal[row] = m.a[triangle(row) + row];
  __syncthreads();
}

// Number of eigenvalues of the tridiagonal matrix below x.
__device__ __forceinline__ int count_below(const Matrix& m, double x) {
  constexpr double kSmallestPivot = 1e-300;
  double pivot = 1;
  int count = 0;
  for (int i = 0; i < m.n; ++i) {
    pivot = m.diagonal[i] - x - (i > 0 ? m.squares[i] / pivot : 0.0);
    if (fabs(pivot) < kSmallestPivot) pivot = -kSmallestPivot;
    count += pivot < 0;
  }
  return count;
}

// The largest x with fewer than `wanted` eigenvalues below it, by one warp.
__device__ inline double find_eigenvalue(const Matrix& m, int wanted) {
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
    const bool enough = count_below(m, low + step * (lane + 1)) >= wanted;
    const unsigned lanes = __ballot_sync(kAllLanes, enough);
    const int first = lanes == 0 ? kWarpSize : __ffs(static_cast<int>(lanes)) - 1;
    if (first < kWarpSize) high = low + step * (first + 1);
    low += step * first;
  }
  return (low + high) / 2;
}

// condition: +inf where the smallest is not above n·ε·largest or anything is not finite.
__global__ void __launch_bounds__(kMostRows)
    kernel(const double* matrices, int n, double* condition, double* largest, double* smallest) {
  SharedArena arena;
  const SharedArray<double> a = arena.take<double>(triangle(n));
  const SharedArray<double> v = arena.take<double>(n), w = arena.take<double>(n);
  const SharedArray<double> diagonal = arena.take<double>(n), squares = arena.take<double>(n);
  TEGNAS_SHARED(double, partial, kMostWarps);
  TEGNAS_SHARED(double, extremes, 2);
  const Matrix m{a, v, w, diagonal, squares, partial, n};
  const int64_t b = blockIdx.x;

  const double* from = matrices + b * n * n;
  const double scale =
      load_scaled([&](int i, int j) { return from[static_cast<int64_t>(i) * n + j]; }, m);
  if (scale < 0) {
    if (threadIdx.x == 0) {
      condition[b] = HUGE_VAL;
      largest[b] = smallest[b] = NAN;
    }
    return;
  }
  reduce(m);
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

inline int threads(int n) { return static_cast<int>(ceil_div(n, kWarpSize)) * kWarpSize; }

}  // namespace eig

// matrices (batch, n, n), 1 ≤ n ≤ eig::kMostRows, of which the lower triangles are read.
inline void eig_condition(const Stream& stream, const double* matrices, int64_t batch, int n,
                          double* condition, double* largest, double* smallest) {
  if (batch == 0) return;
  const size_t shared = (triangle(n) + eig::kExtraRows * n) * sizeof(double);
  stream.launch("eig_condition", dim3(static_cast<unsigned>(batch)), dim3(eig::threads(n)), shared,
                eig::kernel, matrices, n, condition, largest, smallest);
}

}  // namespace tegnas::cuda
