// From values to views, and from instructions to steps.

#include <algorithm>
#include <stdexcept>

#include "kernels/checked.h"
#include "kernels/cpu/plan/builder.h"

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
  fold_pools();
  emit_forward();
  if (mode_ == Mode::frozen) define_stem();
  define_runs();
  if (mode_ != Mode::regions) emit_backward();
  allocate();
  plan_->buffers = list(buffers_);
  plan_->norms = list(norms_);
  plan_->forward = list(forward_);
  plan_->runs = list(runs_);
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
    // Of what is counted the signs come from what it reads.
    if (!live_[v] && !(mode_ == Mode::regions && i.counted)) continue;
    for (int64_t in : i.in) live_[in] = true;
  }
}

void PlanBuilder::define_values() {
  views_.assign(program_.values(), View{-1, -1, false});
  add_buffer(program_.shapes[0], Place::input);
  producers_.assign(1, -1);
  views_[0] = {0, -1, false};
  for (int64_t v = 1; v < program_.values(); ++v) {
    const auto value = static_cast<int32_t>(v);
    if (mode_ == Mode::regions && program_.defines(v).counted) define_signs(value);
    if (live_[v]) define_value(value);
  }
  if (mode_ != Mode::regions) {
    plan_->logits = views_.back();
    plan_->outputs = program_.shapes.back().c;
  }
}

int32_t PlanBuilder::add_buffer(const Shape& shape, Place place) {
  // A value, or one with its border of zeros: positions in it are kept in 32 bits.
  (Checked(std::max<int64_t>(1, shape.c)) * shape.h * shape.w).narrow();
  buffers_.push_back({shape.c, shape.h, shape.w, place, 0, -1, -1});
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
  } else if (i.op == Op::batch_norm) {
    const View in = plain(views_[i.in[0]]);
    Norm norm{in.buffer, program_.shapes[value].c, plan_->norm_channels, i.weight, i.bias, i.eps,
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
  if (i.op == Op::avg_pool || i.op == Op::max_pool) step.pool = pool_of(i);
  step.weight = i.weight;
  step.bias = i.bias;
  step.factor = i.factor;
  step.left = i.left;
  step.top = i.top;
  step.function = i.function;
  step.below = i.below;
  std::vector<View> in;
  for (int64_t v : i.in) {
    if (i.op != Op::add || !is_zero(views_[v])) in.push_back(views_[v]);
  }
  step.in = list(in);
  switch (i.op) {
    case Op::conv2d:
      step.kind = StepKind::convolve;
      break;
    case Op::avg_pool:
      step.kind = StepKind::avg_pool;
      break;
    case Op::max_pool:
      step.kind = StepKind::max_pool;
      break;
    case Op::add:
      step.kind = in.size() == 1 ? StepKind::copy : StepKind::add;
      break;
    case Op::scale:
      step.kind = StepKind::scale;
      break;
    case Op::concat:
      step.kind = StepKind::concat;
      break;
    case Op::pad:
      step.kind = StepKind::pad;
      break;
    case Op::global_avg_pool:
      step.kind = StepKind::global_avg_pool;
      break;
    case Op::linear:
      step.kind = StepKind::linear;
      break;
    case Op::product:
      step.kind = StepKind::product;
      break;
    case Op::activation:
      step.kind = StepKind::apply;
      break;
    case Op::zeros:
      step.kind = StepKind::zeros;
      break;
    case Op::batch_norm:
    case Op::relu:
      break;  // views
  }
  if (step.kind == StepKind::copy) {
    views_[value] = in[0];
    return;
  }
  const bool zero = i.bias < 0 && (i.op != Op::activation || keeps_zero(i.function)) &&
                    std::all_of(in.begin(), in.end(), [&](const View& v) { return is_zero(v); });
  if (zero) {
    step.kind = StepKind::zeros;
    step.in = {};
  }
  const int32_t out = add_step(step, value, program_.shapes[value]);
  zeros_[out] = zero;
  views_[value] = {out, -1, false};
}

void PlanBuilder::define_signs(int32_t value) {
  const Instruction& i = program_.defines(value);
  const Thresholds thresholds = thresholds_of(i);
  for (int k = 0; k < thresholds.count; ++k) define_signs(views_[i.in[0]], thresholds.at[k]);
}

// Two activations of one view with the same threshold have the same signs, so they count once. Of
// numbers above zero a ReLU changes none.
void PlanBuilder::define_signs(const View& view, double threshold) {
  for (const Step& step : steps_) {
    if (step.kind != StepKind::signs || step.threshold != threshold) continue;
    const View& other = step.in.data[0];
    if (other.buffer == view.buffer && other.norm == view.norm &&
        (threshold >= 0 || other.relu == view.relu)) {
      return;
    }
  }
  Step step{};
  step.kind = StepKind::signs;
  step.in = list(std::vector<View>{view});
  step.threshold = threshold;
  step.first_word = plan_->words;
  plan_->words += (shape_of(view.buffer).size() + 31) / 32;
  steps_.push_back(step);
  values_.push_back(-1);
}

}  // namespace tegnas::engine
