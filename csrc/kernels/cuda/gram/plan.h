// How a Gram problem is cut for the device: panels of the Jacobian's columns, splits, workspace.
//
// Everything follows from the shapes alone, never from the device, so that the numbers are the
// same on every device.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/cpu/gram/ntk_gram.h"

namespace tegnas::cuda::gram {

using cpu::gram::Layer;
using cpu::gram::Operands;
using cpu::gram::Problem;

// Output channels [out_begin, out_begin + outs) of some groups of a layer, as columns of a panel.
struct Columns {
  size_t layer;
  int64_t first_group, groups, out_begin, outs, column;
};

struct Panel {
  bool float64;
  std::vector<Columns> pieces;
  int64_t width = 0;
};

struct Plan {
  std::vector<Panel> panels;
  std::vector<size_t> linear;  // layers that are contracted instead
  int64_t width = 0;           // of the widest panel
  int64_t networks_at_once = 1;
  int64_t splits = 1;
  int64_t left_bytes = 0, right_bytes = 0, partial_bytes = 0;

  int64_t workspace() const { return left_bytes + right_bytes + partial_bytes; }
};

struct Limits {
  int64_t panel_bytes = 64 << 20;  // far more than a device's L2 cache needs to be busy
  int64_t blocks = 264;            // two per SM of the largest device there is, 132 SMs
  int64_t split_columns = 256;     // the least that is worth a partial Gram of its own
};

// One position and nothing else: the gradients of the weights are outer products.
inline bool is_outer_product(const Layer& layer, const Operands& operands) {
  return !layer.scale && layer.groups == 1 && layer.taps() == 1 &&
         operands.input.positions() == 1 && operands.gradient.positions() == 1 &&
         layer.padding[0] == 0 && layer.padding[1] == 0;
}

// Fills panels of a given width with the output channels of layers, whole groups where they fit.
class PanelCutter {
 public:
  PanelCutter(bool float64, int64_t width, std::vector<Panel>& panels)
      : float64_(float64), width_(width), panels_(panels) {}

  void add(size_t index, const Layer& layer) {
    const int64_t weights = layer.scale ? 1 : layer.weights();
    const int64_t group_columns = layer.out_channels * weights;
    if (group_columns == 0) return;
    for (int64_t group = 0; group < layer.groups;) {
      if (group_columns <= width_) {
        const int64_t groups = std::min(layer.groups - group, room(group_columns) / group_columns);
        put({index, group, groups, 0, layer.out_channels, 0}, groups * group_columns);
        group += groups;
        continue;
      }
      for (int64_t out = 0; out < layer.out_channels;) {
        const int64_t outs = std::min(layer.out_channels - out, room(weights) / weights);
        put({index, group, 1, out, outs, 0}, outs * weights);
        out += outs;
      }
      ++group;
    }
  }

 private:
  // Columns left in the current panel, or in a new one where `least` don't fit.
  int64_t room(int64_t least) {
    if (!open_ || width_ - panels_.back().width < least) {
      panels_.push_back({float64_, {}, 0});
      open_ = true;
    }
    return width_ - panels_.back().width;
  }

  void put(Columns piece, int64_t columns) {
    piece.column = panels_.back().width;
    panels_.back().pieces.push_back(piece);
    panels_.back().width += columns;
  }

  bool float64_, open_ = false;
  int64_t width_;
  std::vector<Panel>& panels_;
};

inline Plan make_plan(const Problem& problem, const Limits& limits = {}) {
  Plan plan;
  const int64_t images =
      std::max<int64_t>(1, problem.left_images + (problem.symmetric() ? 0 : problem.right_images));
  std::vector<bool> contracted(problem.layers.size());
  int64_t parameters = 0, most_weights = 1;
  for (size_t i = 0; i < problem.layers.size(); ++i) {
    const Layer& layer = problem.layers[i];
    contracted[i] = is_outer_product(layer, problem.left[i]) &&
                    (problem.symmetric() || is_outer_product(layer, problem.right[i]));
    if (contracted[i]) {
      plan.linear.push_back(i);
      continue;
    }
    parameters += layer.parameters();
    most_weights = std::max(most_weights, layer.scale ? 1 : layer.weights());
  }
  const int64_t fitting = limits.panel_bytes / static_cast<int64_t>(sizeof(double)) / images;
  const int64_t width = std::max(most_weights, std::min(parameters, fitting));
  for (const bool float64 : {false, true}) {
    PanelCutter cutter(float64, width, plan.panels);
    for (size_t i = 0; i < problem.layers.size(); ++i) {
      if (!contracted[i] && problem.layers[i].float64 == float64) cutter.add(i, problem.layers[i]);
    }
  }
  for (const Panel& panel : plan.panels) plan.width = std::max(plan.width, panel.width);
  plan.networks_at_once = std::clamp<int64_t>(fitting / std::max<int64_t>(1, plan.width), 1,
                                              std::max<int64_t>(1, problem.networks));
  constexpr int64_t kTileRows = 64;
  const auto tiles = [](int64_t rows) { return (rows + kTileRows - 1) / kTileRows; };
  const int64_t blocks =
      plan.networks_at_once * tiles(problem.left_images) * tiles(problem.right_images);
  const auto ceil_div = [](int64_t a, int64_t b) { return (a + b - 1) / std::max<int64_t>(1, b); };
  plan.splits =
      std::clamp<int64_t>(ceil_div(limits.blocks, blocks), 1,
                          std::max<int64_t>(1, ceil_div(plan.width, limits.split_columns)));
  const int64_t row_bytes =
      plan.networks_at_once * plan.width * static_cast<int64_t>(sizeof(double));
  plan.left_bytes = problem.left_images * row_bytes;
  plan.right_bytes = problem.symmetric() ? 0 : problem.right_images * row_bytes;
  plan.partial_bytes = plan.splits * problem.networks * problem.left_images * problem.right_images *
                       static_cast<int64_t>(sizeof(double));
  return plan;
}

}  // namespace tegnas::cuda::gram
