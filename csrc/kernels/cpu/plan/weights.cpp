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
      if (steps_[s].op == Op::conv2d) convs[has_searched_rows(s)].push_back(s);
      if (steps_[s].op == Op::linear) emit_linear_grads(view, s);
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
  return instruction_of(step).searched ||
         (norm >= 0 && norms_[norm].weight >= 0 && norms_[norm].searched);
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
  piece.row = take_rows((last - first) * piece.group_in * i.window.kh * i.window.kw, i.searched);
  if (piece.norm >= 0) {
    const Norm& norm = norms_[piece.norm];
    if (norm.weight >= 0) piece.norm_row = take_rows(last - first, norm.searched);
    const int32_t gradient = piece.gradient.buffer;
    if (buffers_[gradient].sums < 0) {
      const int32_t sums = add_buffer({buffers_[gradient].c, 1, 1}, Place::gradients);
      buffers_[gradient].sums = sums;
    }
  }
  return piece;
}

bool PlanBuilder::reads_all_pixels(int32_t s) const {
  const Instruction& i = instruction_of(s);
  const Shape in = shape_of(steps_[s].in.data[0].buffer), out = shape_of(steps_[s].out);
  const Window& w = i.window;
  if (i.groups != 1 || w.sh != 1 || w.sw != 1 || w.dh != 1 || w.dw != 1) return false;
  if (in.h != out.h || in.w != out.w) return false;
  return w.ph >= in.h - 1 && in.h - 1 + w.ph < w.kh && w.pw >= in.w - 1 && in.w - 1 + w.pw < w.kw;
}

// One pair_grad for convolutions whose weights are all searched or all not, where it is worth its
// while; their norms then have rows of their own.
bool PlanBuilder::emit_pair_grads(const View& view, const std::vector<int32_t>& convs,
                                  bool searched) {
  const Shape in = shape_of(view.buffer);
  const int64_t pixels = in.h * in.w;
  PairGrad grad{};
  std::vector<GradRef> gradients;
  std::vector<int64_t> outs;
  double rows = 0;  // of the Jacobian
  for (int32_t s : convs) {
    const Window& w = instruction_of(s).window;
    outs.push_back(buffers_[steps_[s].out].c);
    gradients.push_back(gradient_of(s));
    grad.all_outs += outs.back();
    rows += static_cast<double>(outs.back()) * static_cast<double>(in.c * w.kh * w.kw);
  }
  const int64_t more = (in.c + grad.all_outs) * pixels;
  // A product costs a little more here, since fewer follow each other.
  if (more > kPanelRows || 1.4 * static_cast<double>(more * pixels) >= rows) return false;
  begin_segment_for(more);
  grad.activation = activations_.at(key(view));
  grad.channels = in.c;
  grad.height = in.h;
  grad.width = in.w;
  grad.gradients = list(gradients);
  grad.outs = list(outs);
  grad.searched = searched;
  grad.row = segments_.back().pair_rows;
  segments_.back().pair_rows += more;
  push_back_step(BackStepKind::pair_grad, static_cast<int64_t>(pair_grads_.size()), searched);
  pair_grads_.push_back(grad);
  for (GradRef from : gradients) {
    if (from.norm < 0 || norms_[from.norm].weight < 0) continue;
    const Norm& norm = norms_[from.norm];
    begin_segment_for(norm.channels);
    NormGrad norm_grad{from.norm, {from.buffer, from.channel, -1}, 0};
    norm_grad.row = take_rows(norm.channels, norm.searched);
    push_back_step(BackStepKind::norm_grad, static_cast<int64_t>(norm_grads_.size()),
                   norm.searched);
    norm_grads_.push_back(norm_grad);
  }
  return true;
}

// Emits what can be pair_grads; gives the others.
std::vector<int32_t> PlanBuilder::without_pair_grads(const View& view,
                                                     const std::vector<int32_t>& convs) {
  std::vector<int32_t> others, together[2];
  for (int32_t s : convs) {
    const bool pairs = analysis_.purpose == Purpose::frozen && reads_all_pixels(s);
    (pairs ? together[instruction_of(s).searched] : others).push_back(s);
  }
  for (const bool searched : {true, false}) {
    const std::vector<int32_t>& group = together[searched];
    if (group.empty() || emit_pair_grads(view, group, searched)) continue;
    others.insert(others.end(), group.begin(), group.end());
  }
  return others;
}

void PlanBuilder::emit_conv_grads(const View& view, const std::vector<int32_t>& all,
                                  bool searched) {
  const std::vector<int32_t> convs = without_pair_grads(view, all);
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
    push_back_step(BackStepKind::weight_grad, static_cast<int64_t>(weight_grads_.size()), searched);
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
    grad.row = take_rows((last - first) * inputs, i.searched);
    push_back_step(BackStepKind::linear_grad, static_cast<int64_t>(linear_grads_.size()),
                   i.searched);
    linear_grads_.push_back(grad);
    first = last;
  }
}

}  // namespace tegnas::engine
