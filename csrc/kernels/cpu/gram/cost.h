// Which way is cheaper for a layer: panels of the Jacobian or contraction of positions.
#pragma once

#include "kernels/cpu/gram/ntk_gram.h"

namespace tegnas::cpu::gram {

enum class Way {
  panel,    // form the gradients of the weights
  patches,  // contract patches: one row of products per output position
  pixels,   // contract pixels, then sum over the taps of the kernel
};

// Contraction holds its operands in float64: those of one network up to this size, of more networks
// one after the other.
constexpr double kContractionBytes = 256e6;

struct Choice {
  Way way;
  double cost;  // of one network, in fused multiply-adds of float64
};

Choice cheapest_way(const Problem& problem, const Layer& layer, const Operands& left,
                    const Operands& right);

}  // namespace tegnas::cpu::gram
