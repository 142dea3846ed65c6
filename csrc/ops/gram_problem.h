// Checks the operands of ntk_gram and describes them to the kernels, whatever device they are on.
#pragma once

#include <vector>

#include "kernels/cpu/gram/ntk_gram.h"
#include "ops/tensor.h"

namespace tegnas {

// Raises ValueError or TypeError, in one sentence, where the operands don't fit. The description
// points into the tensors.
cpu::gram::Problem gram_problem(const Tensors& inputs, const Tensors& grads,
                                const Tensors& other_inputs, const Tensors& other_grads,
                                const std::vector<int64_t>& geometry);

// Uninitialised, of the shape of the result, on the device of the operands.
Tensor empty_gram(const cpu::gram::Problem& problem, const Tensor& like);

}  // namespace tegnas
