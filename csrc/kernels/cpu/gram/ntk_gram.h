// The Gram of per-image weight gradients, without the Jacobian.
//
// Two ways, chosen per layer by their cost (cost.h). Panels: some columns of the Jacobian, for
// every image, are formed in float64 and their Gram is added up (rows.h). Contraction: for pairs of
// images, products of input positions meet products of gradient positions, and no gradient of a
// weight is ever formed (contract.h); it wins where positions are few, as in linear layers.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/gram/layer.h"
#include "kernels/parallel.h"

namespace tegnas::cpu::gram {

struct Problem {
  std::vector<Layer> layers;
  std::vector<Operands> left;
  std::vector<Operands> right;  // empty: the same as left
  int64_t networks = 0;
  int64_t left_images = 0;
  int64_t right_images = 0;  // equal to left_images where `right` is empty

  bool symmetric() const { return right.empty(); }
};

// out (networks, left_images, right_images) = Σ over layers of J_left J_rightᵀ. The same numbers
// for every ParallelFor.
void ntk_gram(const Problem& problem, const ParallelFor& parallel_for, double* out);

}  // namespace tegnas::cpu::gram
