// Checks the operands of ntk_gram and describes them to the kernels, whatever device they are on.
#pragma once

#include <ATen/ATen.h>

#include "kernels/cpu/gram/ntk_gram.h"

namespace tegnas {

// Raises ValueError or TypeError, in one sentence, where the operands don't fit. The description
// points into the tensors.
cpu::gram::Problem gram_problem(at::TensorList inputs, at::TensorList grads,
                                at::TensorList other_inputs, at::TensorList other_grads,
                                at::IntArrayRef geometry);

// Uninitialised, of the shape of the result, on the device of the operands.
at::Tensor empty_gram(const cpu::gram::Problem& problem, const at::Tensor& like);

}  // namespace tegnas
