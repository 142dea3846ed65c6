// Checks of the operands of pack_signs and count_regions, whatever device they are on.
#pragma once

#include <ATen/ATen.h>

#include "ops/refusing.h"

namespace tegnas {

// The number of features of one input; raises ValueError or TypeError where the tensors don't fit.
inline int64_t check_activations(at::TensorList activations) {
  TORCH_CHECK_VALUE(!activations.empty(), "pack_signs: at least one tensor is needed.");
  Checked features = 0;
  for (const at::Tensor& tensor : activations) {
    const auto type = tensor.scalar_type();
    TORCH_CHECK_TYPE(type == at::kFloat || type == at::kDouble || type == at::kBool,
                     "pack_signs: activations must be float32, float64 or bool, got ", type, ".");
    TORCH_CHECK_VALUE(tensor.dim() >= 1 && tensor.size(0) == activations[0].size(0),
                      "pack_signs: every tensor must begin with the same number of inputs, got ",
                      tensor.sizes(), " beside ", activations[0].sizes(), ".");
    check_extent("pack_signs", tensor);
    features = features + c10::multiply_integers(tensor.sizes().slice(1));
  }
  return features.value();
}

inline void check_patterns(const at::Tensor& patterns) {
  TORCH_CHECK_TYPE(patterns.scalar_type() == at::kLong,
                   "count_regions: patterns must be int64 as pack_signs makes them, got ",
                   patterns.scalar_type(), ".");
  TORCH_CHECK_VALUE(patterns.dim() == 2 || patterns.dim() == 3,
                    "count_regions: patterns must have shape (inputs, words) or (networks, "
                    "inputs, words), got ",
                    patterns.sizes(), ".");
  check_extent("count_regions", patterns);
}

}  // namespace tegnas
