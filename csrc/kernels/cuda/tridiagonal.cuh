// Householder reduction of one symmetric matrix per block to tridiagonal form, in shared memory,
// and Sturm counts of what comes out. Source of both: Golub and Van Loan, Matrix Computations, 8.3
// and 8.4.
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
namespace tridiagonal {

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

inline int threads(int n) { return static_cast<int>(ceil_div(n, kWarpSize)) * kWarpSize; }

// What a block of matrices of n rows takes.
inline size_t shared_bytes(int n) { return (triangle(n) + kExtraRows * n) * sizeof(double); }

}  // namespace tridiagonal
}  // namespace tegnas::cuda
