// Rows of the Jacobian, a rectangle of one layer's weights at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/gram/layer.h"

namespace tegnas::cpu::gram {

// Some weights of some output channels of one group, as columns of a panel of the Jacobian.
// Of a scale layer: its channels [out_begin, out_end).
struct Piece {
  int64_t layer = 0;
  int64_t group = 0;
  int64_t out_begin = 0, out_end = 0;
  int64_t weight_begin = 0, weight_end = 0;
  int64_t column = 0;

  int64_t channels() const { return out_end - out_begin; }
  int64_t weights() const { return weight_end - weight_begin; }
};

// Where in the input the operands of a piece lie, the same for every image of one side.
struct PieceIndex {
  std::vector<int64_t> offsets;             // of each weight, in the (padded) input
  std::vector<int64_t> positions;           // of each output position, in the (padded) input
  std::vector<int64_t> gradient_positions;  // of each output position, in the gradient
};

PieceIndex index_piece(const Layer& layer, const Operands& operands, const Piece& piece);

// Buffers of one thread.
struct RowScratch {
  std::vector<char> input;
  std::vector<char> gradient;
};

// Writes the piece's part of one image's row of the Jacobian to row[0, channels · weights).
void fill_row(const Layer& layer, const Operands& operands, const Piece& piece,
              const PieceIndex& index, int64_t network, int64_t image, RowScratch& scratch,
              double* row);

}  // namespace tegnas::cpu::gram
