// From values to gradients: which buffer holds the gradient of what, and in which order the
// gradients and the rows of the Jacobian are computed.

#include <algorithm>

#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {

void PlanBuilder::emit_backward() {
  gradients_.assign(analysis_.nodes.size(), GradRef{});
  segments_.push_back({0, 0, 0, 0, 0});
  for (size_t b = analysis_.buffers.size(); b-- > 0;) {
    const auto buffer = static_cast<int32_t>(b);
    for (size_t n = norms_.size(); n-- > 0;) {
      if (norms_[n].buffer == buffer) emit_node({buffer, static_cast<int32_t>(n), false});
    }
    emit_node({buffer, -1, false});
  }
  finish_rows();
}

// Everything that waits for the gradients of a node's readers: the weights of the layers that read
// the node, then the gradient of the node itself. `node`: how it is read, without ReLU.
void PlanBuilder::emit_node(const View& node) {
  emit_weight_grads(node);
  if (analysis_.nodes[analysis_.node_of(node)].needed) resolve(node);
}

GradRef PlanBuilder::gradient_of(int32_t step) const {
  return gradients_[analysis_.node_made_by(analysis_.steps[step])];
}

void PlanBuilder::resolve(const View& view) {
  const int32_t number = analysis_.node_of(view);
  const Analysis::Node& node = analysis_.nodes[number];
  const bool coupled = analysis_.purpose == Purpose::coupled;
  if (!alias(number)) {
    Collect collect{};
    collect.out = add_buffer(shape_of(view.buffer), Place::gradients);
    collect.view = view;
    const auto activation = activations_.find(key({view.buffer, view.norm, true}));
    collect.mask = activation == activations_.end() ? Activation{-1, 0, 0} : activation->second;
    std::vector<RowGradient> rows[2];
    std::vector<int32_t> convs[2];
    for (int32_t k = 0; k < node.readers; ++k) {
      const Analysis::Reader& reader = analysis_.readers_of(number)[k];
      if (reader.step >= 0 && steps_[reader.step].op == Op::conv2d) {
        convs[reader.relu].push_back(reader.step);
      } else {
        rows[reader.relu].push_back(row_gradient(reader));
      }
    }
    collect.relu_rows = list(joined_pools(rows[1]));
    collect.plain_rows = list(joined_pools(rows[0]));
    int64_t ring = 0;
    collect.relu_convs = list(gradient_convs(convs[1], collect.out, ring));
    collect.plain_convs = list(gradient_convs(convs[0], collect.out, ring));
    push_back_step(BackStepKind::collect, static_cast<int64_t>(collects_.size()),
                   node.needed_searched);
    collects_.push_back(collect);
    gradients_[number] = {collect.out, 0, -1};
  }
  // The gradient of a norm that shares its input with other readers is computed on its own;
  // otherwise the weight gradient of the convolution before it gives it for nothing.
  if (view.norm < 0) return;
  const Norm& norm = norms_[view.norm];
  const Analysis::Node& before = analysis_.nodes[analysis_.node_of_buffer(norm.buffer)];
  const int32_t maker = maker_of(norm.buffer);
  const bool behind_conv = maker >= 0 && steps_[maker].op == Op::conv2d &&
                           analysis_.steps[maker].weighted && before.readers == 1;
  if (behind_conv || (norm.weight < 0 && !coupled)) return;
  NormGrad grad{view.norm, gradients_[number], -1};
  if (norm.weight >= 0) {
    begin_segment_for(norm.channels);
    grad.row = take_rows(norm.channels, norm.searched);
  }
  // In coupled mode the gradients before the norm depend on this step.
  push_back_step(BackStepKind::norm_grad, static_cast<int64_t>(norm_grads_.size()),
                 (coupled && before.needed_searched) || (norm.weight >= 0 && norm.searched));
  norm_grads_.push_back(grad);
}

// A gradient that is that of another node. That of a norm's input is, where a convolution made it:
// what reads a gradient can take the norm with it only there.
bool PlanBuilder::alias(int32_t node) {
  const Analysis::Alias alias = analysis_.alias_of(program_, node);
  if (alias.node < 0) return false;
  GradRef from = gradients_[alias.node];
  if (alias.norm >= 0) {
    const int32_t maker = maker_of(norms_[alias.norm].buffer);
    if (maker < 0 || steps_[maker].op != Op::conv2d) return false;
    from.norm = alias.norm;
  }
  from.channel += alias.channel;
  gradients_[node] = from;
  return true;
}

RowGradient PlanBuilder::row_gradient(const Analysis::Reader& reader) const {
  RowGradient row{};
  if (reader.step < 0) {
    row.kind = RowKind::seed;
    return row;
  }
  const Step& step = steps_[reader.step];
  row.kind = RowKind::direct;
  row.from = gradient_of(reader.step);
  if (step.kind == StepKind::normalise) {
    row.from.norm = step.out;
    return row;
  }
  row.pool = step.pool;
  row.left = step.left;
  row.top = step.top;
  row.factor = step.factor;
  row.weight = step.weight;
  row.index = step.index;
  row.out_c = buffers_[step.out].c;
  row.out_h = buffers_[step.out].h;
  row.out_w = buffers_[step.out].w;
  if (step.op == Op::concat) {
    for (int32_t k = 0; k < reader.input; ++k) {
      row.from.channel += static_cast<int32_t>(buffers_[step.in.data[k].buffer].c);
    }
  }
  if (step.op == Op::product) row.other = step.in.data[1 - reader.input];
  if (step.op == Op::activation) row.other = {step.slope, -1, false};
  const bool direct = step.kind == StepKind::copy || step.op == Op::add || step.op == Op::concat ||
                      step.op == Op::scale;
  if (direct) return row;
  row.kind = RowKind::instruction;
  row.op = step.op;
  return row;
}

// The gradient of average pools with one window is that of the pool of their sum.
std::vector<RowGradient> PlanBuilder::joined_pools(const std::vector<RowGradient>& rows) {
  std::vector<RowGradient> joined;
  for (const RowGradient& row : rows) {
    auto alike = joined.end();
    if (row.op == Op::avg_pool) {
      alike = std::find_if(joined.begin(), joined.end(), [&](const RowGradient& other) {
        return other.op == Op::avg_pool && other.pool == row.pool;
      });
    }
    if (alike == joined.end()) {
      joined.push_back(row);
      if (row.op == Op::avg_pool) joined.back().pooled = list(std::vector<GradRef>{row.from});
      continue;
    }
    std::vector<GradRef> pooled(alike->pooled.data, alike->pooled.data + alike->pooled.count);
    pooled.push_back(row.from);
    alike->pooled = list(pooled);
  }
  return joined;
}

void PlanBuilder::push_back_step(BackStepKind kind, int64_t at, bool searched) {
  backward_.push_back({kind, at, searched});
  segments_.back().last = static_cast<int64_t>(backward_.size());
}

bool PlanBuilder::starts_segment(int64_t rows) const {
  const int64_t before = segments_.back().rows + segments_.back().pair_rows;
  return analysis_.purpose != Purpose::coupled && before > 0 && before + rows > kPanelRows;
}

void PlanBuilder::begin_segment_for(int64_t rows) {
  if (!starts_segment(rows)) return;
  const int64_t at = static_cast<int64_t>(backward_.size());
  segments_.push_back({at, at, 0, 0, 0});
}

// The number of the first row; rows of weights that aren't searched are numbered from -2 downwards
// until finish_rows knows how many searched rows come before them.
int64_t PlanBuilder::take_rows(int64_t count, bool searched) {
  Segment& segment = segments_.back();
  const int64_t row =
      searched ? segment.searched_rows : -2 - (segment.rows - segment.searched_rows);
  segment.rows += count;
  if (searched) segment.searched_rows += count;
  return row;
}

void PlanBuilder::finish_rows() {
  for (const Segment& segment : segments_) {
    const auto finish = [&](int64_t& row) {
      if (row <= -2) row = segment.searched_rows + (-2 - row);
    };
    plan_->panel_rows = std::max(plan_->panel_rows, segment.rows + segment.pair_rows);
    for (int64_t s = segment.first; s < segment.last; ++s) {
      const BackStep& step = backward_[s];
      if (step.kind == BackStepKind::weight_grad) {
        for (GradPiece& piece : pieces_[step.at]) {
          finish(piece.row);
          finish(piece.norm_row);
        }
        weight_grads_[step.at].pieces = list(pieces_[step.at]);
      } else if (step.kind == BackStepKind::pair_grad) {
        pair_grads_[step.at].row += segment.rows;
      } else if (step.kind == BackStepKind::linear_grad) {
        finish(linear_grads_[step.at].row);
      } else if (step.kind == BackStepKind::norm_grad) {
        finish(norm_grads_[step.at].row);
      }
    }
  }
}

}  // namespace tegnas::engine
