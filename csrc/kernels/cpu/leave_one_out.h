// Each image against all others of its batch, from one kernel, for many kernels.
#pragma once

#include <cstdint>

#include "kernels/parallel.h"

namespace tegnas::cpu {

// kernels (count, n, n), n of at least 1, the lower triangles are read; inflations and errors
// (count). With Θ a kernel and S its scaling to a diagonal of ones: the mean over i of (S⁻¹)ᵢᵢ, and
// the mean over i of Σⱼ (Θ⁻¹)ᵢⱼ² / (Θ⁻¹)ᵢᵢ². Both +inf where a diagonal entry isn't above zero, a
// pivot of the Cholesky factorisation of S isn't above n·ε, or anything isn't finite.
void leave_one_out(const double* kernels, int64_t count, int64_t n, const ParallelFor& parallel_for,
                   double* inflations, double* errors);

}  // namespace tegnas::cpu
