// Test error of kernel regression, one problem per block: Cholesky in shared memory, solve, error.
//
// Sizes. The packed triangle of K_xx takes 4n(n+1) bytes and the solutions of kColumns classes at
// a time 64n more: 21 KiB at n = 64 (7 blocks per SM on sm_80, 10 on sm_90), 74 KiB at n = 128 (2
// and 3). Four warps: a warp per row of the trailing update, a warp per class in the solves, a
// thread per (image, class) in the error. Work is n³/6 + 2Kn² + Kmn multiply-adds (0.2 M at n = m =
// 64, K = 10) behind 2n barriers, whose latency is the bound.
#pragma once

#include <cfloat>
#include <cstdint>

#include "kernels/cuda/cholesky.cuh"

namespace tegnas::cuda {
namespace regression {

using cholesky::Factor;

constexpr int kMostRows = 128;
constexpr int kThreads = cholesky::kThreads;
constexpr int kWarps = cholesky::kWarps;
constexpr int kColumns = 8;  // classes at a time

// Entries of the kernel (batch, ·, n); targets (n or m, classes), the same for every problem.
struct Problem {
  const double *k_xx, *k_yx, *tx, *ty;
  int n, m, classes;
  double ridge;
};

// Odd, so that the solutions of several classes lie in different banks.
__host__ __device__ constexpr int solution_stride(int n) { return n | 1; }

// x[begin, begin + n) = (L Lᵀ)⁻¹ x, by one warp.
__device__ inline void solve(const Factor& f, const SharedArray<double>& x, int begin) {
  const int lane = threadIdx.x % kWarpSize;
  for (int i = 0; i < f.n; ++i) {
    double known = 0;
    for (int j = lane; j < i; j += kWarpSize) known += f.a[triangle(i) + j] * x[begin + j];
    known = warp_sum(known);
    if (lane == 0) x[begin + i] = (x[begin + i] - known) * f.inverses[i];
    __syncwarp();
  }
  for (int i = f.n - 1; i >= 0; --i) {
    const double solved = x[begin + i] * f.inverses[i];
    __syncwarp();
    if (lane == 0) x[begin + i] = solved;
    for (int j = lane; j < i; j += kWarpSize) x[begin + j] -= f.a[triangle(i) + j] * solved;
    __syncwarp();
  }
}

__global__ void __launch_bounds__(kThreads) kernel(Problem p, double* errors) {
  SharedArena arena;
  const SharedArray<double> a = arena.take<double>(triangle(p.n));
  const SharedArray<double> inverses = arena.take<double>(p.n), column = arena.take<double>(p.n);
  const int stride = solution_stride(p.n);
  const SharedArray<double> solutions = arena.take<double>(kColumns * stride);
  TEGNAS_SHARED(double, partial, kWarps);
  const int lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  const int64_t b = blockIdx.x;

  double largest = 0;
  for (int i = warp; i < p.n; i += kWarps) {
    for (int j = lane; j <= i; j += kWarpSize) {
      double value = p.k_xx[(b * p.n + i) * p.n + j];
      if (i == j) {
        value += p.ridge;
        largest = fmax(largest, value);
      }
      a[triangle(i) + j] = value;
    }
  }
  largest = block_max(largest, partial);
  const Factor factor{a, inverses, p.n};
  if (!cholesky::factorise(factor, column, p.n * DBL_EPSILON * largest)) {
    if (threadIdx.x == 0) errors[b] = HUGE_VAL;
    return;
  }

  const double* k_yx = p.k_yx + b * p.m * p.n;
  double error = 0;
  for (int first = 0; first < p.classes; first += kColumns) {
    const int some = p.classes - first < kColumns ? p.classes - first : kColumns;
    for (int k = warp; k < some; k += kWarps) {
      for (int i = lane; i < p.n; i += kWarpSize) {
        solutions[k * stride + i] = p.tx[static_cast<int64_t>(i) * p.classes + first + k];
      }
      __syncwarp();
      solve(factor, solutions, k * stride);
    }
    __syncthreads();
    for (int64_t pair = threadIdx.x; pair < static_cast<int64_t>(p.m) * some; pair += kThreads) {
      const int64_t image = pair / some;
      const int k = static_cast<int>(pair % some);
      double predicted = 0;
      for (int j = 0; j < p.n; ++j) predicted += k_yx[image * p.n + j] * solutions[k * stride + j];
      const double residual = p.ty[image * p.classes + first + k] - predicted;
      error += residual * residual;
    }
    __syncthreads();
  }
  error = block_sum(error, partial) / p.m;
  if (threadIdx.x == 0) errors[b] = error <= DBL_MAX ? error : HUGE_VAL;
}

}  // namespace regression

// 1 ≤ n ≤ regression::kMostRows. errors (batch): the mean over the m images of the squared error
// summed over the classes; +inf where K_xx + ridge·1 is singular or anything is not finite.
inline void kernel_regression_error(const Stream& stream, const regression::Problem& problem,
                                    int64_t batch, double* errors) {
  if (batch == 0) return;
  const int n = problem.n;
  const size_t shared =
      (triangle(n) + 2 * n + regression::kColumns * regression::solution_stride(n)) *
      sizeof(double);
  stream.launch("kernel_regression_error", dim3(static_cast<unsigned>(batch)),
                dim3(regression::kThreads), shared, regression::kernel, problem, errors);
}

}  // namespace tegnas::cuda
