// Checks of the operands of the operators over square matrices on CUDA.
#pragma once

#include "ops/cuda/device.h"

namespace tegnas {

// float32 is computed in float64.
inline at::Tensor in_float64(const char* op, const char* name, const at::Tensor& tensor) {
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble, op,
                   ": ", name, " must be float32 or float64, got ", tensor.scalar_type(), ".");
  return tensor.to(at::kDouble);
}

inline void check_square(const char* op, const char* name, const at::Tensor& matrices) {
  TORCH_CHECK_VALUE(
      matrices.dim() >= 2 && matrices.size(-1) == matrices.size(-2) && matrices.size(-1) > 0, op,
      ": ", name, " must be (..., n, n) with n of at least 1, got ", matrices.sizes(), ".");
}

}  // namespace tegnas
