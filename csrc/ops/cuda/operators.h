// What operators do where their operands lie on a GPU. Operands were checked, and results made, in
// front of these; all enqueue work on the current stream and return at once.
#pragma once

#include <array>

#include "kernels/cpu/gram/ntk_gram.h"
#include "ops/engine_jobs.h"
#include "ops/tensor.h"

namespace tegnas::on_cuda {

// The three results have one number for each of the matrices (..., n, n), which are contiguous.
void eig_condition(const Tensor& matrices, double* smallest, double* largest, double* condition);

// All in float64 and contiguous.
void kernel_regression_error(const Tensor& k_xx, const Tensor& k_yx, const Tensor& targets_x,
                             const Tensor& targets_y, double ridge, const Tensor& errors);

// kernels (..., n, n) in float64 and contiguous.
void leave_one_out(const Tensor& kernels, const Tensor& inflations, const Tensor& errors);

// distances (..., n, n) in float64 and contiguous.
void pattern_rank(const Tensor& distances, const Tensor& ranks);

void ntk_gram(const cpu::gram::Problem& problem, const Tensor& out);

void pack_signs(const Tensors& activations, const Tensor& patterns);
void count_regions(const Tensor& rows, const Tensor& counts);
void pattern_distances(const Tensor& rows, const Tensor& distances);

// `kernels` are zero on entry; the first, of all weights, may be null. `distances` have no job
// where they aren't wanted.
void engine_ntk(const JobOperands& operands, const Tensor& x, const Tensor& y, bool coupled,
                bool trace, const std::array<double*, 3>& kernels, const Tensor& distances);
// inputs (sets, M, C, H, W)
void engine_regions(const JobOperands& operands, const Tensor& inputs, int64_t batch_size,
                    const Tensor& counts);
void engine_pattern_distances(const JobOperands& operands, const Tensor& inputs, int64_t batch_size,
                              const Tensor& distances);

}  // namespace tegnas::on_cuda
