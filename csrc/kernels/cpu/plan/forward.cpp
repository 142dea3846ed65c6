// The forward steps in the order and the form in which they run.

#include <algorithm>

#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {

// The images have no gradient, so that one activation is enough.
ActivationKey PlanBuilder::read_by(size_t conv) const {
  const View& view = steps_[conv].in.data[0];
  const bool images = view == View{0, -1, false};
  return key(view, !images && !analysis_.steps[conv].leads);
}

// One activation for all convolutions that read a view, wide enough for all of them.
void PlanBuilder::define_activations() {
  struct Extent {
    View view;
    int64_t top = 0, left = 0, bottom = 0, right = 0;
  };
  std::map<ActivationKey, Extent> extents;
  for (size_t s = 0; s < steps_.size(); ++s) {
    if (steps_[s].op != Op::conv2d) continue;
    const View& view = steps_[s].in.data[0];
    const Window& w = steps_[s].window;
    const Shape in = shape_of(view.buffer), out = shape_of(steps_[s].out);
    Extent& e = extents[read_by(s)];
    e.view = view;
    e.top = std::max(e.top, w.ph);
    e.left = std::max(e.left, w.pw);
    e.bottom = std::max({e.bottom, in.h, (out.h - 1) * w.sh - w.ph + (w.kh - 1) * w.dh + 1});
    e.right = std::max({e.right, in.w, (out.w - 1) * w.sw - w.pw + (w.kw - 1) * w.dw + 1});
  }
  for (const auto& [read, e] : extents) {
    const Shape in = shape_of(e.view.buffer);
    const Shape shape{in.c, e.top + e.bottom, e.left + e.right};
    Activation activation{e.view.buffer, e.top, e.left};
    if (e.view.norm >= 0 || e.view.relu || !(shape == in)) activation.buffer = add_buffer(shape);
    activations_[read] = activation;
  }
}

// Lets the step that makes a view's buffer write the activation too. What only convolutions read
// is then not kept in any other form.
bool PlanBuilder::fold_activation(const ActivationKey& read, const Activation& activation) {
  const View view = view_of(read);
  if (view.norm >= 0 || maker_of(view.buffer) < 0) return false;
  Step& producer = steps_[maker_of(view.buffer)];
  if (producer.op == Op::conv2d || producer.activation.buffer >= 0) return false;
  producer.activation = activation;
  producer.activation_relu = view.relu;
  producer.keep = plan_->logits.buffer == view.buffer || buffers_[view.buffer].stats >= 0;
  for (size_t s = 0; s < steps_.size(); ++s) {
    for (int64_t k = 0; k < steps_[s].in.count; ++k) {
      if (steps_[s].in.data[k].buffer != view.buffer) continue;
      if (steps_[s].op != Op::conv2d || read_by(s) != read) producer.keep = true;
    }
  }
  return true;
}

// An add pools as it goes what average pools of one window make. Whether it does depends on nothing
// but what it reads, so that its numbers are the same bits whatever else is computed.
void PlanBuilder::fold_pools() {
  for (Step& add : steps_) {
    if (add.op != Op::add) continue;
    std::vector<int32_t> pools;
    for (int64_t k = 0; k < add.in.count; ++k) {
      const int32_t maker = maker_of(add.in.data[k].buffer);
      if (maker < 0 || steps_[maker].op != Op::avg_pool) continue;
      if (add.pool == nullptr) add.pool = steps_[maker].pool;
      if (folds(add, add.in.data[k])) pools.push_back(maker);
    }
    std::vector<View> pooled;
    for (const int32_t pool : pools) pooled.push_back(steps_[pool].in.data[0]);
    add.pooled = list(pooled);
  }
  folded_.assign(steps_.size(), false);
  for (size_t s = 0; s < steps_.size(); ++s) folded_[s] = only_folded(steps_[s]);
}

bool PlanBuilder::folds(const Step& add, const View& view) const {
  const int32_t maker = maker_of(view.buffer);
  return maker >= 0 && steps_[maker].op == Op::avg_pool && steps_[maker].pool == add.pool &&
         view.norm < 0 && !view.relu;
}

// A pool that nothing else reads needs no memory of its own.
bool PlanBuilder::only_folded(const Step& pool) const {
  if (pool.op != Op::avg_pool || buffers_[pool.out].stats >= 0) return false;
  if (plan_->logits.buffer == pool.out) return false;
  for (const Step& step : steps_) {
    for (int64_t k = 0; k < step.in.count; ++k) {
      const View& view = step.in.data[k];
      if (view.buffer == pool.out && (step.op != Op::add || !folds(step, view))) return false;
    }
  }
  return true;
}

void PlanBuilder::emit_norm(int32_t norm) {
  if (norm < 0 || normalised_[norm]) return;
  normalised_[norm] = true;
  Step step{};
  step.kind = StepKind::normalise;
  step.out = norm;
  forward_.push_back(step);
}

// A step after the norms of what it reads; norms come as late as possible, so that runs are long.
void PlanBuilder::emit_step(const Step& step) {
  for (const List<View>& views : {step.in, step.pooled}) {
    for (int64_t k = 0; k < views.count && step.conv == nullptr; ++k) {
      emit_norm(views.data[k].norm);
    }
  }
  forward_.push_back(step);
}

// The convolution at steps_[first] with all others that read the same view in the same way.
Step PlanBuilder::merged_convolutions(size_t first, std::vector<bool>& done) {
  Step step = steps_[first];
  const ActivationKey read = read_by(first);
  std::vector<int32_t> together{static_cast<int32_t>(first)};
  const bool grouped = instruction_of(static_cast<int32_t>(first)).groups != 1;
  for (size_t t = first + 1; t < steps_.size() && !grouped; ++t) {
    if (steps_[t].op != Op::conv2d || done[t]) continue;
    if (read_by(t) == read && steps_[t].window == step.window &&
        instruction_of(static_cast<int32_t>(t)).groups == 1) {
      together.push_back(static_cast<int32_t>(t));
      done[t] = true;
    }
  }
  step.conv = keep(std::vector<TapConv>{forward_taps(together)});
  return step;
}

// Convolutions that read one view in the same way become one, and activations come before their
// first reader.
void PlanBuilder::emit_forward() {
  std::map<ActivationKey, bool> written;
  for (const auto& [read, activation] : activations_) {
    const View v = view_of(read);
    written[read] = activation.buffer == v.buffer || fold_activation(read, activation);
    if (v.buffer == 0 && v.norm < 0 && !v.relu && activation.buffer != 0) {
      plan_->padded_input = activation;
      buffers_[activation.buffer].place = Place::padded_input;
      written[read] = true;
    }
  }
  normalised_.assign(norms_.size(), false);
  if (buffers_[0].stats >= 0) {
    Step step{};
    step.kind = StepKind::statistics;
    step.out = 0;
    forward_.push_back(step);
  }
  std::vector<bool> done = folded_;
  for (size_t s = 0; s < steps_.size(); ++s) {
    // Norms come before their first reader.
    if (done[s] || steps_[s].kind == StepKind::normalise) continue;
    Step step = steps_[s];
    const bool gradients = analysis_.steps[s].leads;
    if (step.op == Op::conv2d) {
      const ActivationKey read = read_by(s);
      if (!written[read]) {
        written[read] = true;
        Step activate{};
        activate.kind = StepKind::activate;
        activate.in = step.in;
        activate.activation = activations_[read];
        emit_step(activate);
      }
      step = merged_convolutions(s, done);
    } else if (step.op == Op::add) {
      std::vector<View> in;
      for (int64_t k = 0; k < step.in.count; ++k) {
        if (!folds(step, step.in.data[k])) in.push_back(step.in.data[k]);
      }
      step.in = list(in);
    } else if (step.op == Op::max_pool && gradients) {
      step.index = steps_[s].index = add_buffer(shape_of(step.out));
    } else if (step.op == Op::activation && gradients) {
      step.slope = steps_[s].slope = add_buffer(shape_of(step.out));
    }
    emit_step(step);
  }
  if (analysis_.purpose != Purpose::regions) emit_norm(plan_->logits.norm);
}

// Cuts the steps into runs and gives the convolutions of a run room for their packed weights.
void PlanBuilder::define_runs() {
  int64_t packed = 0;
  for (size_t s = 0; s < forward_.size(); ++s) {
    Step& step = forward_[s];
    const bool whole = step.kind == StepKind::normalise || step.kind == StepKind::statistics;
    if (runs_.empty() || runs_.back().whole != whole) {
      runs_.push_back({static_cast<int64_t>(s), static_cast<int64_t>(s), whole});
      packed = 0;
    }
    runs_.back().last = static_cast<int64_t>(s) + 1;
    if (step.conv == nullptr) continue;
    TapConv conv = *step.conv;
    conv.packed_offset = packed;
    packed += conv.packed_size;
    step.conv = keep(std::vector<TapConv>{conv});
    plan_->forward_weights = std::max(plan_->forward_weights, packed);
  }
}

}  // namespace tegnas::engine
