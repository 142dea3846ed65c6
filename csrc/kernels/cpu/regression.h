// Test error of kernel regression for many kernels with the same targets.
#pragma once

#include <cstdint>

#include "kernels/parallel.h"

namespace tegnas::cpu {

struct Regression {
  const double* k_xx;       // (count, n, n), the lower triangles are read
  const double* k_yx;       // (count, m, n)
  const double* targets_x;  // (n, classes)
  const double* targets_y;  // (m, classes)
  int64_t count, n, m, classes;
  double ridge;
};

// errors (count): the mean over the m rows of the squared error of K_yx (K_xx + ridge·1)⁻¹ T_x,
// summed over the classes; +inf where a pivot of the Cholesky factorisation isn't above
// n·ε·(largest diagonal entry), or anything isn't finite.
void kernel_regression_error(const Regression& problem, const ParallelFor& parallel_for,
                             double* errors);

}  // namespace tegnas::cpu
