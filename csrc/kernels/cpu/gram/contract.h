// The Gram of one layer by contraction of positions, without gradients of weights.
#pragma once

#include "kernels/cpu/gram/cost.h"

namespace tegnas::cpu::gram {

// Adds the layer's Gram to out (networks, left_images, right_images); of a symmetric problem the
// entries on and below the diagonal.
void add_contracted(const Problem& problem, const Layer& layer, const Operands& left,
                    const Operands& right, Way way, const ParallelFor& parallel_for, double* out);

}  // namespace tegnas::cpu::gram
