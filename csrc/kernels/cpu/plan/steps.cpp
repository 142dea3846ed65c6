// From the steps of the analysis to those of the plan.

#include <algorithm>

#include "kernels/checked.h"
#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {

PlanBuilder::PlanBuilder(const Program& program, Purpose purpose, bool repeated, bool patterns)
    : program_(program),
      repeated_(repeated || purpose == Purpose::coupled),
      analysis_(analyse(program, purpose, patterns)),
      plan_(std::make_shared<Plan>()) {
  plan_->purpose = purpose;
  plan_->input = program.shapes[0];
  plan_->logits = analysis_.logits;
  plan_->outputs = analysis_.outputs;
  plan_->words = analysis_.words;
}

std::shared_ptr<const Plan> PlanBuilder::build() {
  const Purpose purpose = analysis_.purpose;
  define_buffers();
  define_norms();
  for (const Analysis::Step& step : analysis_.steps) steps_.push_back(step_of(step));
  define_activations();
  fold_pools();
  emit_forward();
  if (purpose == Purpose::frozen) define_stem();
  define_runs();
  if (purpose != Purpose::regions) emit_backward();
  allocate();
  plan_->buffers = list(buffers_);
  plan_->norms = list(norms_);
  plan_->forward = list(forward_);
  plan_->runs = list(runs_);
  plan_->backward = list(backward_);
  plan_->segments = list(segments_);
  plan_->weight_grads = list(weight_grads_);
  plan_->pair_grads = list(pair_grads_);
  plan_->linear_grads = list(linear_grads_);
  plan_->norm_grads = list(norm_grads_);
  plan_->collects = list(collects_);
  return plan_;
}

std::shared_ptr<const Plan> make_plan(const Program& program, Purpose purpose, bool repeated,
                                      bool patterns) {
  return PlanBuilder(program, purpose, repeated, patterns).build();
}

int32_t PlanBuilder::add_buffer(const Shape& shape, Place place) {
  // A value, or one with its border of zeros: positions in it are kept in 32 bits.
  (Checked(std::max<int64_t>(1, shape.c)) * shape.h * shape.w).narrow();
  buffers_.push_back({shape.c, shape.h, shape.w, place, 0, -1, -1});
  return static_cast<int32_t>(buffers_.size()) - 1;
}

void PlanBuilder::define_buffers() {
  for (const Analysis::Buffer& buffer : analysis_.buffers) {
    add_buffer(buffer.shape, buffers_.empty() ? Place::input : Place::values);
  }
}

void PlanBuilder::define_norms() {
  for (const Analysis::Norm& norm : analysis_.norms) {
    const Instruction& i = program_.defines(norm.value);
    Buffer& buffer = buffers_[norm.buffer];
    norms_.push_back(
        {norm.buffer, buffer.c, plan_->norm_channels, i.weight, i.bias, i.eps, i.searched});
    plan_->norm_channels += buffer.c;
    if (buffer.stats < 0) {
      buffer.stats = plan_->stats_channels;
      plan_->stats_channels += buffer.c;
    }
  }
}

// The step that makes a buffer; none for the images and for what is no value of the program.
int32_t PlanBuilder::maker_of(int32_t buffer) const {
  const bool program = buffer < static_cast<int32_t>(analysis_.buffers.size());
  return program ? analysis_.buffers[buffer].maker : Analysis::kNone;
}

const Instruction& PlanBuilder::instruction_of(int32_t step) const {
  return program_.defines(analysis_.steps[step].value);
}

Shape PlanBuilder::shape_of(int32_t buffer) const {
  return {buffers_[buffer].c, buffers_[buffer].h, buffers_[buffer].w};
}

Step PlanBuilder::step_of(const Analysis::Step& from) {
  Step step{};
  step.kind = kind_of(from);
  step.out = from.out;
  step.threshold = from.threshold;
  step.first_word = from.first_word;
  if (step.kind == StepKind::normalise) return step;
  const View* in = analysis_.inputs_of(from);
  step.in = list(std::vector<View>(in, in + from.inputs));
  if (from.kind != Analysis::Step::Kind::instruction) return step;
  const Instruction& i = program_.defines(from.value);
  if (step.kind == StepKind::instruction) step.op = i.op;
  step.window = i.window;
  if (i.op == Op::avg_pool || i.op == Op::max_pool) step.pool = pool_of(i);
  step.weight = i.weight;
  step.bias = i.bias;
  step.factor = i.factor;
  step.left = i.left;
  step.top = i.top;
  step.function = i.function;
  step.below = i.below;
  return step;
}

StepKind PlanBuilder::kind_of(const Analysis::Step& step) const {
  switch (step.kind) {
    case Analysis::Step::Kind::copy:
      return StepKind::copy;
    case Analysis::Step::Kind::statistics:
      return StepKind::normalise;
    case Analysis::Step::Kind::signs:
      return StepKind::signs;
    case Analysis::Step::Kind::instruction:
      break;
  }
  return analysis_.buffers[step.out].zero ? StepKind::zeros : StepKind::instruction;
}

}  // namespace tegnas::engine
