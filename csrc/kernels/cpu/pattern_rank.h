// How many directions points span, from their squared distances.
#pragma once

#include <cstdint>

#include "kernels/parallel.h"

namespace tegnas::cpu {

// exp(-Σ p log p) of the eigenvalues of -J D J of each of `count` symmetric matrices D (n, n),
// n ≥ 1, of squared Euclidean distances, p their shares of the sum and J = I - 1 1ᵀ / n; NaN where
// all are zero and where one isn't finite (Roy and Vetterli, EUSIPCO 2007; Torgerson 1952).
void pattern_rank(const double* distances, int64_t count, int64_t n,
                  const ParallelFor& parallel_for, double* ranks);

}  // namespace tegnas::cpu
