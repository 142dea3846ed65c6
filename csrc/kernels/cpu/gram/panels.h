// Cuts the Jacobian's columns into panels, and a panel into pieces of layers.
#pragma once

#include <vector>

#include "kernels/cpu/gram/rows.h"

namespace tegnas::cpu::gram {

struct Panel {
  std::vector<Piece> pieces;
  int64_t columns = 0;
};

// Panels of at most `width` columns (more only if one column of one layer's channels needs it)
// over the weights of the given layers.
std::vector<Panel> cut_panels(const std::vector<Layer>& layers, const std::vector<int64_t>& chosen,
                              int64_t width);

}  // namespace tegnas::cpu::gram
