// From values to views, and from instructions to forward steps.

#include <algorithm>
#include <stdexcept>

#include "kernels/engine/plan_builder.h"

namespace tegnas::engine {

PlanBuilder::PlanBuilder(const Program& program, Mode mode, bool repeated)
    : program_(program),
      mode_(mode),
      repeated_(repeated || mode == Mode::coupled),
      plan_(std::make_shared<Plan>()) {
  plan_->mode = mode;
  plan_->input = program.shapes[0];
}

std::shared_ptr<const Plan> PlanBuilder::build() {
  find_live();
  define_values();
  define_activations();
  emit_forward();
  if (mode_ != Mode::regions) emit_backward();
  allocate();
  plan_->buffers = list(buffers_);
  plan_->norms = list(norms_);
  plan_->forward = list(forward_);
  plan_->backward = list(backward_);
  plan_->segments = list(segments_);
  plan_->weight_grads = list(weight_grads_);
  plan_->linear_grads = list(linear_grads_);
  plan_->norm_grads = list(norm_grads_);
  plan_->collects = list(collects_);
  return plan_;
}

std::shared_ptr<const Plan> make_plan(const Program& program, Mode mode, bool repeated) {
  if (mode != Mode::regions) {
    const Shape logits = program.shapes.back();
    if (program.instructions.empty() || logits.h != 1 || logits.w != 1 || logits.c < 1) {
      throw std::invalid_argument(
          "a program for a kernel must end in logits of shape (K, 1, 1) with K of at least 1; end "
          "it with global_avg_pool and linear.");
    }
  }
  return PlanBuilder(program, mode, repeated).build();
}

void PlanBuilder::find_live() {
  const int64_t values = program_.values();
  live_.assign(values, false);
  if (mode_ != Mode::regions) live_[values - 1] = true;
  for (int64_t v = values - 1; v > 0; --v) {
    const Instruction& i = program_.defines(v);
    if (mode_ == Mode::regions && i.op == Op::relu && i.counted) live_[v] = true;
    if (!live_[v]) continue;
    for (int64_t in : i.in) live_[in] = true;
  }
}

void PlanBuilder::define_values() {
  views_.assign(program_.values(), View{-1, -1, false});
  add_buffer(program_.shapes[0]);
  producers_.assign(1, -1);
  views_[0] = {0, -1, false};
  for (int64_t v = 1; v < program_.values(); ++v) {
    if (live_[v]) define_value(static_cast<int32_t>(v));
  }
  if (mode_ != Mode::regions) {
    plan_->logits = views_.back();
    plan_->outputs = program_.shapes.back().c;
  }
}

int32_t PlanBuilder::add_buffer(const Shape& shape, bool gradient) {
  buffers_.push_back({shape.c, shape.h, shape.w, 0, -1, gradient, -1});
  zeros_.push_back(false);
  return static_cast<int32_t>(buffers_.size()) - 1;
}

// Adds a step that writes a new buffer; `value` is the program's value, -1 for a copy.
int32_t PlanBuilder::add_step(Step step, int32_t value, const Shape& out) {
  step.out = add_buffer(out);
  producers_.resize(buffers_.size(), -1);
  producers_[step.out] = static_cast<int32_t>(steps_.size());
  steps_.push_back(step);
  values_.push_back(value);
  return step.out;
}

// A view without norm and ReLU of the same numbers, copied where it has to be.
View PlanBuilder::plain(const View& view) {
  if (view.norm < 0 && !view.relu) return view;
  Step copy{};
  copy.kind = StepKind::copy;
  copy.in = list(std::vector<View>{view});
  return {add_step(copy, -1, shape_of(view.buffer)), -1, false};
}

bool PlanBuilder::is_zero(const View& view) const { return view.norm < 0 && zeros_[view.buffer]; }

Shape PlanBuilder::shape_of(int32_t buffer) const {
  return {buffers_[buffer].c, buffers_[buffer].h, buffers_[buffer].w};
}

void PlanBuilder::define_value(int32_t value) {
  const Instruction& i = program_.defines(value);
  if (i.op == Op::relu) {
    views_[value] = views_[i.in[0]];
    views_[value].relu = true;
    if (mode_ == Mode::regions && i.counted) define_signs(value);
  } else if (i.op == Op::batch_norm) {
    const View in = plain(views_[i.in[0]]);
    Norm norm{in.buffer, program_.shapes[value].c, plan_->norm_channels,
              i.weight,  i.bias,                   i.eps,
              i.body};
    plan_->norm_channels += norm.channels;
    Buffer& buffer = buffers_[in.buffer];
    if (buffer.stats < 0) {
      buffer.stats = plan_->stats_channels;
      plan_->stats_channels += buffer.c;
    }
    views_[value] = {in.buffer, static_cast<int32_t>(norms_.size()), false};
    norms_.push_back(norm);
  } else if (i.op == Op::add && i.in.size() == 1) {
    views_[value] = views_[i.in[0]];
  } else {
    add_compute_step(value);
  }
}

void PlanBuilder::add_compute_step(int32_t value) {
  const Instruction& i = program_.defines(value);
  Step step{};
  step.window = i.window;
  step.count_include_pad = i.count_include_pad;
  step.weight = i.weight;
  step.bias = i.bias;
  step.factor = i.factor;
  step.left = i.left;
  step.top = i.top;
  std::vector<View> in;
  for (int64_t v : i.in) {
    if (i.op != Op::add || !is_zero(views_[v])) in.push_back(views_[v]);
  }
  step.in = list(in);
  switch (i.op) {
    case Op::conv2d: step.kind = StepKind::convolve; break;
    case Op::avg_pool: step.kind = StepKind::avg_pool; break;
    case Op::max_pool: step.kind = StepKind::max_pool; break;
    case Op::add: step.kind = in.size() == 1 ? StepKind::copy : StepKind::add; break;
    case Op::scale: step.kind = StepKind::scale; break;
    case Op::concat: step.kind = StepKind::concat; break;
    case Op::pad: step.kind = StepKind::pad; break;
    case Op::global_avg_pool: step.kind = StepKind::global_avg_pool; break;
    case Op::linear: step.kind = StepKind::linear; break;
    default: step.kind = StepKind::zeros;
  }
  if (step.kind == StepKind::copy) {
    views_[value] = in[0];
    return;
  }
  const bool zero =
      i.bias < 0 && std::all_of(in.begin(), in.end(), [&](const View& v) { return is_zero(v); });
  if (zero) {
    step.kind = StepKind::zeros;
    step.in = {};
  }
  const int32_t out = add_step(step, value, program_.shapes[value]);
  zeros_[out] = zero;
  views_[value] = {out, -1, false};
}

// Two ReLUs of one view have the same signs, so they count once.
void PlanBuilder::define_signs(int32_t value) {
  const View view = views_[value];
  for (const Step& step : steps_) {
    if (step.kind == StepKind::signs && step.in.data[0].buffer == view.buffer &&
        step.in.data[0].norm == view.norm) {
      return;
    }
  }
  Step step{};
  step.kind = StepKind::signs;
  step.in = list(std::vector<View>{view});
  step.first_word = plan_->words;
  plan_->words += (program_.shapes[value].size() + 31) / 32;
  steps_.push_back(step);
  values_.push_back(value);
}

void PlanBuilder::emit_norms(int32_t buffer, std::vector<Step>& steps) {
  for (size_t n = 0; n < norms_.size(); ++n) {
    if (norms_[n].buffer != buffer) continue;
    Step step{};
    step.kind = StepKind::normalise;
    step.out = static_cast<int32_t>(n);
    steps.push_back(step);
  }
}

// One activation for every view that convolutions read, wide enough for all of them.
void PlanBuilder::define_activations() {
  struct Extent {
    View view;
    int64_t top = 0, left = 0, bottom = 0, right = 0;
  };
  std::map<ViewKey, Extent> extents;
  for (size_t s = 0; s < steps_.size(); ++s) {
    if (steps_[s].kind != StepKind::convolve) continue;
    const View& view = steps_[s].in.data[0];
    const Window& w = steps_[s].window;
    const Shape in = shape_of(view.buffer), out = shape_of(steps_[s].out);
    Extent& e = extents[key(view)];
    e.view = view;
    e.top = std::max(e.top, w.ph);
    e.left = std::max(e.left, w.pw);
    e.bottom = std::max({e.bottom, in.h, (out.h - 1) * w.sh - w.ph + (w.kh - 1) * w.dh + 1});
    e.right = std::max({e.right, in.w, (out.w - 1) * w.sw - w.pw + (w.kw - 1) * w.dw + 1});
  }
  for (const auto& [view, e] : extents) {
    const Shape in = shape_of(e.view.buffer);
    const Shape shape{in.c, e.top + e.bottom, e.left + e.right};
    Activation activation{e.view.buffer, e.top, e.left};
    if (e.view.norm >= 0 || e.view.relu || !(shape == in)) activation.buffer = add_buffer(shape);
    activations_[view] = activation;
  }
}

// Lets the step that makes a view's buffer write the activation too. What only convolutions read
// is then not kept in any other form.
bool PlanBuilder::fold_activation(const View& view, const Activation& activation) {
  if (view.norm >= 0 || producers_[view.buffer] < 0) return false;
  Step& producer = steps_[producers_[view.buffer]];
  if (producer.kind == StepKind::convolve || producer.activation.buffer >= 0) return false;
  producer.activation = activation;
  producer.activation_relu = view.relu;
  producer.keep = plan_->logits.buffer == view.buffer || buffers_[view.buffer].stats >= 0;
  for (const Step& step : steps_) {
    for (int64_t k = 0; k < step.in.count; ++k) {
      const View& other = step.in.data[k];
      if (other.buffer != view.buffer) continue;
      if (step.kind != StepKind::convolve || key(other) != key(view)) producer.keep = true;
    }
  }
  return true;
}

// Brings the steps into their final order: convolutions that read one view in the same way
// become one, activations come before their first reader, and norms follow the step that makes
// their input.
void PlanBuilder::emit_forward() {
  std::map<ViewKey, bool> written;
  for (const auto& [view, activation] : activations_) {
    const View v{std::get<0>(view), std::get<1>(view), std::get<2>(view)};
    written[view] = activation.buffer == v.buffer || fold_activation(v, activation);
  }
  if (buffers_[0].stats >= 0) {
    Step step{};
    step.kind = StepKind::statistics;
    step.out = 0;
    forward_.push_back(step);
  }
  emit_norms(0, forward_);
  std::vector<bool> done(steps_.size(), false);
  for (size_t s = 0; s < steps_.size(); ++s) {
    if (done[s]) continue;
    Step step = steps_[s];
    std::vector<int32_t> together{static_cast<int32_t>(s)};
    if (step.kind == StepKind::convolve) {
      const View view = step.in.data[0];
      if (!written[key(view)]) {
        written[key(view)] = true;
        Step activate{};
        activate.kind = StepKind::activate;
        activate.in = step.in;
        activate.activation = activations_[key(view)];
        forward_.push_back(activate);
      }
      const bool grouped = instruction_of(static_cast<int32_t>(s)).groups != 1;
      for (size_t t = s + 1; t < steps_.size() && !grouped; ++t) {
        if (steps_[t].kind != StepKind::convolve || done[t]) continue;
        if (key(steps_[t].in.data[0]) == key(view) && steps_[t].window == step.window &&
            instruction_of(static_cast<int32_t>(t)).groups == 1) {
          together.push_back(static_cast<int32_t>(t));
          done[t] = true;
        }
      }
      step.conv = keep(std::vector<TapConv>{forward_taps(together)});
    }
    if (step.kind == StepKind::max_pool && mode_ != Mode::regions) {
      step.index = add_buffer(shape_of(step.out));
      steps_[s].index = step.index;
    }
    forward_.push_back(step);
    if (step.kind == StepKind::signs) continue;
    for (int32_t t : together) emit_norms(steps_[t].out, forward_);
  }
}

}  // namespace tegnas::engine
