// Eigenvalues of many symmetric matrices.
#pragma once

#include <cstdint>

#include "kernels/parallel.h"

namespace tegnas::cpu {

// The smallest and the largest eigenvalue of each of `count` symmetric matrices (n, n), n ≥ 1, of
// which the lower triangles are read; NaN for a matrix that isn't finite. Absolute error about
// n ε ‖A‖: Householder tridiagonalisation, then bisection on Sturm sequences (Golub and Van Loan,
// Matrix Computations, sections 8.3 and 8.4).
void extreme_eigenvalues(const double* matrices, int64_t count, int64_t n,
                         const ParallelFor& parallel_for, double* lowest, double* highest);

// All eigenvalues of each, (count, n) in no order; NaN for a matrix that isn't finite, and for one
// that QL doesn't end for. Absolute error about n ε ‖A‖ (Parlett, The Symmetric Eigenvalue Problem,
// 8.15).
void eigenvalues(const double* matrices, int64_t count, int64_t n, const ParallelFor& parallel_for,
                 double* values);

// λmax/λmin, or +inf where the matrix is singular to working precision, not positive, or not
// finite.
double condition_number(int64_t n, double lowest, double highest);

}  // namespace tegnas::cpu
