// Operands of the weight-gradient kernel (weight_gradient_impl.h).
#pragma once

#include <cstdint>

namespace tegnas::cpu {

// The gradient of weight k of output channel o is Σ_t input[offsets[k] + positions[t]] ·
// gradient[t][o]: a convolution or a linear layer, by what the offsets and positions are.
template <typename T>
struct WeightGradient {
  const T* input;
  const int64_t* offsets;  // one per weight of an output channel
  int64_t weights;
  const int64_t* positions;  // one per output position
  int64_t count;
  const T* gradient;        // rows of one position each
  int64_t gradient_stride;  // a multiple of kGradientPadding; the whole row is readable
  int64_t channels;
};

// The widest vector, in elements of the smallest type.
constexpr int64_t kGradientPadding = 16;

}  // namespace tegnas::cpu
