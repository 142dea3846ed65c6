// From values to gradients: which buffer holds the gradient of what, and in which order the
// gradients and the rows of the Jacobian are computed.

#include <algorithm>

#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {

const Instruction& PlanBuilder::instruction_of(int32_t step) const {
  return program_.defines(values_[step]);
}

void PlanBuilder::find_consumers() {
  for (size_t s = 0; s < steps_.size(); ++s) {
    for (int64_t k = 0; k < steps_[s].in.count; ++k) {
      const View& view = steps_[s].in.data[k];
      consumers_[{view.buffer, view.norm}].push_back(
          {Consumer::step, static_cast<int32_t>(s), static_cast<int32_t>(k), view.relu});
    }
  }
  for (size_t n = 0; n < norms_.size(); ++n) {
    consumers_[{norms_[n].buffer, -1}].push_back(
        {Consumer::norm, static_cast<int32_t>(n), 0, false});
  }
  const View& logits = plan_->logits;
  consumers_[{logits.buffer, logits.norm}].push_back({Consumer::logits, 0, 0, logits.relu});
}

// Whether a weight, or a weight of the body, lies at or before each node.
std::map<Node, bool> PlanBuilder::find_needs(bool body) const {
  std::map<Node, bool> needs;
  // Buffers are numbered in topological order.
  for (size_t b = 0; b < producers_.size(); ++b) {
    const int32_t buffer = static_cast<int32_t>(b);
    bool needed = false;
    if (producers_[b] >= 0 && !zeros_[b]) {
      const Step& step = steps_[producers_[b]];
      if (step.kind == StepKind::convolve || step.kind == StepKind::linear) {
        needed = !body || instruction_of(producers_[b]).body;
      }
      for (int64_t k = 0; k < step.in.count; ++k) {
        const View& view = step.in.data[k];
        needed = needed || needs.at({view.buffer, view.norm});
      }
    }
    needs[{buffer, -1}] = needed;
    for (size_t n = 0; n < norms_.size(); ++n) {
      const Norm& norm = norms_[n];
      if (norm.buffer != buffer) continue;
      // The scale of a norm over zeros has no gradient.
      const bool own = norm.weight >= 0 && !zeros_[buffer] && (!body || norm.body);
      needs[{buffer, static_cast<int32_t>(n)}] = needed || own;
    }
  }
  return needs;
}

void PlanBuilder::emit_backward() {
  find_consumers();
  needs_ = find_needs(false);
  needs_body_ = find_needs(true);
  segments_.push_back({0, 0, 0, 0});
  for (size_t b = producers_.size(); b-- > 0;) {
    const int32_t buffer = static_cast<int32_t>(b);
    for (size_t n = norms_.size(); n-- > 0;) {
      if (norms_[n].buffer == buffer) emit_node({buffer, static_cast<int32_t>(n)});
    }
    emit_node({buffer, -1});
  }
  finish_rows();
}

// Everything that waits for the gradients of a node's consumers: the weights of the layers that
// read the node, then the gradient of the node itself.
void PlanBuilder::emit_node(const Node& node) {
  const std::vector<Consumer>& consumers = consumers_[node];
  emit_weight_grads(node, consumers);
  if (needs_.at(node)) resolve(node, consumers);
}

void PlanBuilder::resolve(const Node& node, const std::vector<Consumer>& consumers) {
  if (!alias(node, consumers)) {
    Collect collect{};
    collect.out = add_buffer(shape_of(node.first), Place::gradients);
    collect.view = {node.first, node.second, false};
    const auto activation = activations_.find({node.first, node.second, true});
    collect.mask = activation == activations_.end() ? Activation{-1, 0, 0} : activation->second;
    std::vector<RowGradient> rows[2];
    std::vector<int32_t> convs[2];
    for (const Consumer& c : consumers) {
      const bool conv = c.kind == Consumer::step && steps_[c.at].kind == StepKind::convolve;
      if (conv) {
        convs[c.relu].push_back(c.at);
      } else {
        rows[c.relu].push_back(row_gradient(c));
      }
    }
    collect.relu_rows = list(joined_pools(rows[1]));
    collect.plain_rows = list(joined_pools(rows[0]));
    int64_t ring = 0;
    collect.relu_convs = list(gradient_convs(convs[1], collect.out, ring));
    collect.plain_convs = list(gradient_convs(convs[0], collect.out, ring));
    push_back_step(BackStepKind::collect, static_cast<int64_t>(collects_.size()),
                   needs_body_.at(node));
    collects_.push_back(collect);
    gradients_[node] = {collect.out, 0, -1};
  }
  // The gradient of a norm that shares its input with other consumers is computed on its own;
  // otherwise the weight gradient of the convolution before it gives it for nothing.
  if (node.second < 0) return;
  const Norm& norm = norms_[node.second];
  const int32_t producer = producers_[norm.buffer];
  const bool behind_conv = producer >= 0 && steps_[producer].kind == StepKind::convolve &&
                           consumers_[{norm.buffer, -1}].size() == 1;
  if (behind_conv || (norm.weight < 0 && mode_ != Mode::coupled)) return;
  NormGrad grad{node.second, gradients_[node], -1};
  if (norm.weight >= 0) {
    begin_segment_for(norm.channels);
    grad.row = take_rows(norm.channels, norm.body);
  }
  // In coupled mode the gradients before the norm depend on this step.
  const bool before = mode_ == Mode::coupled && needs_body_.at({norm.buffer, -1});
  push_back_step(BackStepKind::norm_grad, static_cast<int64_t>(norm_grads_.size()),
                 before || (norm.weight >= 0 && norm.body));
  norm_grads_.push_back(grad);
}

// A gradient that is another one, unchanged: of what only an add or a concat reads, and of a
// convolution that only a norm reads.
bool PlanBuilder::alias(const Node& node, const std::vector<Consumer>& consumers) {
  if (consumers.size() != 1 || consumers[0].relu) return false;
  const Consumer& c = consumers[0];
  if (c.kind == Consumer::logits) return false;
  if (c.kind == Consumer::norm) {
    if (producers_[node.first] < 0 || steps_[producers_[node.first]].kind != StepKind::convolve) {
      return false;
    }
    gradients_[node] = gradients_.at({node.first, c.at});
    gradients_[node].norm = c.at;
    return true;
  }
  const Step& step = steps_[c.at];
  if (step.kind != StepKind::add && step.kind != StepKind::concat && step.kind != StepKind::copy) {
    return false;
  }
  GradRef from = gradients_.at({step.out, -1});
  if (step.kind == StepKind::concat) {
    for (int32_t k = 0; k < c.input; ++k) {
      from.channel += static_cast<int32_t>(buffers_[step.in.data[k].buffer].c);
    }
  }
  gradients_[node] = from;
  return true;
}

RowGradient PlanBuilder::row_gradient(const Consumer& c) const {
  RowGradient row{};
  if (c.kind == Consumer::logits) {
    row.kind = RowKind::seed;
    return row;
  }
  row.kind = RowKind::direct;
  row.factor = -1;
  if (c.kind == Consumer::norm) {
    row.from = gradients_.at({norms_[c.at].buffer, c.at});
    row.from.norm = c.at;
    return row;
  }
  const Step& step = steps_[c.at];
  row.from = gradients_.at({step.out, -1});
  row.pool = step.pool;
  row.left = step.left;
  row.top = step.top;
  row.factor = step.factor;
  row.weight = step.weight;
  row.index = step.index;
  row.out_c = buffers_[step.out].c;
  row.out_h = buffers_[step.out].h;
  row.out_w = buffers_[step.out].w;
  switch (step.kind) {
    case StepKind::avg_pool:
      row.kind = RowKind::avg_pool;
      break;
    case StepKind::max_pool:
      row.kind = RowKind::max_pool;
      break;
    case StepKind::pad:
      row.kind = RowKind::pad;
      break;
    case StepKind::global_avg_pool:
      row.kind = RowKind::global_avg_pool;
      break;
    case StepKind::linear:
      row.kind = RowKind::linear;
      break;
    case StepKind::concat:
      for (int32_t k = 0; k < c.input; ++k) {
        row.from.channel += static_cast<int32_t>(buffers_[step.in.data[k].buffer].c);
      }
      break;
    case StepKind::product:
      row.kind = RowKind::product;
      row.other = step.in.data[1 - c.input];
      break;
    case StepKind::apply:
      row.kind = RowKind::product;
      row.other = {step.slope, -1, false};
      break;
    case StepKind::add:
    case StepKind::scale:
    case StepKind::copy:
      break;                  // direct
    case StepKind::convolve:  // gradient_convs
    case StepKind::zeros:     // reads nothing
    case StepKind::activate:  // comes after the steps of the program, as what follows
    case StepKind::statistics:
    case StepKind::normalise:
    case StepKind::signs:
      break;
  }
  return row;
}

// The gradient of average pools with one window is that of the pool of their sum.
std::vector<RowGradient> PlanBuilder::joined_pools(const std::vector<RowGradient>& rows) {
  std::vector<RowGradient> joined;
  for (const RowGradient& row : rows) {
    auto alike = joined.end();
    if (row.kind == RowKind::avg_pool) {
      alike = std::find_if(joined.begin(), joined.end(), [&](const RowGradient& other) {
        return other.kind == RowKind::avg_pool && other.pool == row.pool;
      });
    }
    if (alike == joined.end()) {
      joined.push_back(row);
      if (row.kind == RowKind::avg_pool)
        joined.back().pooled = list(std::vector<GradRef>{row.from});
      continue;
    }
    std::vector<GradRef> pooled(alike->pooled.data, alike->pooled.data + alike->pooled.count);
    pooled.push_back(row.from);
    alike->pooled = list(pooled);
  }
  return joined;
}

void PlanBuilder::push_back_step(BackStepKind kind, int64_t at, bool body) {
  backward_.push_back({kind, at, body});
  segments_.back().last = static_cast<int64_t>(backward_.size());
}

bool PlanBuilder::starts_segment(int64_t rows) const {
  const Segment& segment = segments_.back();
  return mode_ != Mode::coupled && segment.rows > 0 && segment.rows + rows > kPanelRows;
}

void PlanBuilder::begin_segment_for(int64_t rows) {
  if (!starts_segment(rows)) return;
  const int64_t at = static_cast<int64_t>(backward_.size());
  segments_.push_back({at, at, 0, 0});
}

// The number of the first row; the rows after the body's are numbered from -2 downwards until
// finish_rows knows how many rows of the body come before them.
int64_t PlanBuilder::take_rows(int64_t count, bool body) {
  Segment& segment = segments_.back();
  const int64_t row = body ? segment.body_rows : -2 - (segment.rows - segment.body_rows);
  segment.rows += count;
  if (body) segment.body_rows += count;
  return row;
}

void PlanBuilder::finish_rows() {
  for (const Segment& segment : segments_) {
    const auto finish = [&](int64_t& row) {
      if (row <= -2) row = segment.body_rows + (-2 - row);
    };
    plan_->panel_rows = std::max(plan_->panel_rows, segment.rows);
    for (int64_t s = segment.first; s < segment.last; ++s) {
      const BackStep& step = backward_[s];
      if (step.kind == BackStepKind::weight_grad) {
        for (GradPiece& piece : pieces_[step.at]) {
          finish(piece.row);
          finish(piece.norm_row);
        }
        weight_grads_[step.at].pieces = list(pieces_[step.at]);
      } else if (step.kind == BackStepKind::linear_grad) {
        finish(linear_grads_[step.at].row);
      } else if (step.kind == BackStepKind::norm_grad) {
        finish(norm_grads_[step.at].row);
      }
    }
  }
}

}  // namespace tegnas::engine
