#include "kernels/cpu/gram/panels.h"

#include <algorithm>

namespace tegnas::cpu::gram {
namespace {

// Output channels of one piece: enough for full vectors, few enough that a panel has room for many
// weights of each, which share one transposed slice of the gradient.
constexpr int64_t kChannels = 64;

class Cutter {
 public:
  explicit Cutter(int64_t width) : width_(width) {}

  void add(Piece piece) {
    // Weights that still fit in the open panel go there; the others start a new one.
    const int64_t channels = piece.channels();
    const int64_t end = piece.weight_end;
    while (piece.weight_begin < end) {
      if (open_.columns + channels > width_ && open_.columns > 0) close();
      const int64_t room = std::max<int64_t>(1, (width_ - open_.columns) / channels);
      piece.weight_end = std::min(end, piece.weight_begin + room);
      piece.column = open_.columns;
      open_.pieces.push_back(piece);
      open_.columns += channels * piece.weights();
      piece.weight_begin = piece.weight_end;
    }
  }

  std::vector<Panel> finish() {
    if (open_.columns > 0) close();
    return std::move(panels_);
  }

 private:
  void close() {
    panels_.push_back(std::move(open_));
    open_ = Panel();
  }

  int64_t width_;
  Panel open_;
  std::vector<Panel> panels_;
};

}  // namespace

std::vector<Panel> cut_panels(const std::vector<Layer>& layers, const std::vector<int64_t>& chosen,
                              int64_t width) {
  Cutter cutter(width);
  for (int64_t index : chosen) {
    const Layer& layer = layers[index];
    const int64_t weights = layer.scale ? 1 : layer.weights();
    const int64_t most = layer.scale ? width : std::min(kChannels, width);
    for (int64_t group = 0; group < layer.groups; ++group) {
      for (int64_t o = 0; o < layer.out_channels; o += most) {
        Piece piece;
        piece.layer = index;
        piece.group = group;
        piece.out_begin = o;
        piece.out_end = std::min(layer.out_channels, o + most);
        piece.weight_end = weights;
        cutter.add(piece);
      }
    }
  }
  return cutter.finish();
}

}  // namespace tegnas::cpu::gram
