// Which rows of the Jacobian are computed together: the weight gradients of all convolutions that
// read one view run beside each other, and are cut so that they fit into the panel.

#include <algorithm>

#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {

// Of everything that reads a node.
void PlanBuilder::emit_weight_grads(const View& read) {
  const Analysis::Node& node = analysis_.nodes[analysis_.node_of(read)];
  const Analysis::Reader* const readers = analysis_.readers_of(analysis_.node_of(read));
  for (const bool relu : {true, false}) {
    const View view{read.buffer, read.norm, relu};
    std::vector<int32_t> convs[2];  // without and with rows of searched weights
    for (int32_t k = 0; k < node.readers; ++k) {
      const int32_t s = readers[k].step;
      if (s < 0 || readers[k].relu != relu || !analysis_.steps[s].weighted) continue;
      if (steps_[s].kind == StepKind::convolve) convs[has_searched_rows(s)].push_back(s);
      if (steps_[s].kind == StepKind::linear) emit_linear_grads(view, s);
    }
    for (const bool searched : {false, true}) {
      // In coupled mode the input gradients of a convolution depend on its weight gradients.
      const bool before = analysis_.purpose == Purpose::coupled && node.needed_searched;
      if (!convs[searched].empty()) emit_conv_grads(view, convs[searched], searched || before);
    }
  }
}

bool PlanBuilder::has_searched_rows(int32_t step) const {
  const int32_t norm = gradient_of(step).norm;
  return instruction_of(step).body || (norm >= 0 && norms_[norm].weight >= 0 && norms_[norm].body);
}

GradPiece PlanBuilder::piece_of(int32_t s, int64_t first, int64_t last) {
  const Instruction& i = instruction_of(s);
  const Step& step = steps_[s];
  const Buffer& out = buffers_[step.out];
  const int64_t channels = buffers_[step.in.data[0].buffer].c;
  GradPiece piece{};
  piece.weight = i.weight;
  piece.bias = i.bias;
  piece.window = i.window;
  piece.out_h = out.h;
  piece.out_w = out.w;
  piece.group_in = channels / i.groups;
  piece.group_out = out.c / i.groups;
  piece.first = first;
  piece.last = last;
  piece.gradient = gradient_of(s);
  piece.value = step.out;
  piece.norm = piece.gradient.norm;
  piece.norm_row = -1;
  piece.row = take_rows((last - first) * piece.group_in * i.window.kh * i.window.kw, i.body);
  if (piece.norm >= 0) {
    const Norm& norm = norms_[piece.norm];
    if (norm.weight >= 0) piece.norm_row = take_rows(last - first, norm.body);
    const int32_t gradient = piece.gradient.buffer;
    if (buffers_[gradient].sums < 0) {
      const int32_t sums = add_buffer({buffers_[gradient].c, 1, 1}, Place::gradients);
      buffers_[gradient].sums = sums;
    }
  }
  return piece;
}

void PlanBuilder::emit_conv_grads(const View& view, const std::vector<int32_t>& convs, bool body) {
  const Shape in = shape_of(view.buffer);
  WeightGrad grad{};
  grad.activation = activations_.at(key(view));
  grad.channels = in.c;
  grad.plane_h = buffers_[grad.activation.buffer].h;
  grad.plane_w = buffers_[grad.activation.buffer].w;

  std::vector<GradPiece> pieces;
  int64_t rows = 0;  // of these pieces
  const auto flush = [&] {
    if (pieces.empty()) return;
    push_back_step(BackStepKind::weight_grad, static_cast<int64_t>(weight_grads_.size()), body);
    weight_grads_.push_back(grad);
    pieces_.push_back(pieces);
    plan_->tile_rows = std::max(plan_->tile_rows, rows);
    pieces.clear();
    rows = 0;
  };
  for (int32_t s : convs) {
    const Instruction& i = instruction_of(s);
    const int64_t outs = buffers_[steps_[s].out].c;
    const int64_t per_channel = in.c / i.groups * i.window.kh * i.window.kw + 1;
    const int64_t most = std::max<int64_t>(1, kPanelRows / per_channel);
    for (int64_t first = 0; first < outs; first += most) {
      const int64_t last = std::min(outs, first + most);
      const int64_t more = (last - first) * per_channel;
      if (rows + more > kPanelRows || starts_segment(more)) flush();
      begin_segment_for(more);
      pieces.push_back(piece_of(s, first, last));
      rows += more;
    }
  }
  flush();
}

void PlanBuilder::emit_linear_grads(const View& view, int32_t s) {
  const Instruction& i = instruction_of(s);
  const int64_t inputs = shape_of(view.buffer).size();
  const int64_t outs = buffers_[steps_[s].out].c;
  if (inputs == 0) return;
  int64_t most = outs;
  if (analysis_.purpose != Purpose::coupled) most = std::max<int64_t>(1, kPanelRows / inputs);
  for (int64_t first = 0; first < outs;) {
    const int64_t last = std::min(outs, first + most);
    begin_segment_for((last - first) * inputs);
    LinearGrad grad{view, inputs, first, last, gradient_of(s), 0};
    grad.row = take_rows((last - first) * inputs, i.body);
    push_back_step(BackStepKind::linear_grad, static_cast<int64_t>(linear_grads_.size()), i.body);
    linear_grads_.push_back(grad);
    first = last;
  }
}

}  // namespace tegnas::engine
