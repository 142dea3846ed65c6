// The backward sweep of a program, from its analysis and its forward tasks.
//
// Where a node has one reader and that hands its own gradient on unchanged (a part of a sum) or
// times a constant (a frozen norm), nothing is written: the node's gradient is a view of the
// reader's.

#include <algorithm>
#include <vector>

#include "kernels/checked.h"
#include "kernels/cuda/grouped/emit.h"

namespace tegnas::cuda::grouped {
namespace {

using tegnas::engine::Analysis;
using tegnas::engine::Program;
using tegnas::engine::Purpose;

class Backward {
 public:
  Backward(const Program& program, Scratch& scratch, Tasks& tasks)
      : program_(program),
        analysis_(scratch.analysis),
        frozen_(scratch.analysis.purpose == Purpose::frozen),
        tasks_(tasks),
        waits_(scratch.waits),
        first_tasks_(scratch.first_tasks),
        gradients_(scratch.gradients) {
    waits_.clear();
    gradients_.assign(analysis_.nodes.size(), Gradient{});
  }

  void emit() {
    tasks_.backward_tasks.reserve(2 * tasks_.forward_tasks.size());
    Task seed;
    seed.in = tasks_.logits;
    contribute(seed, Kind::seed, analysis_.node_of(analysis_.logits), Gradient{});
    for (auto s = static_cast<int32_t>(analysis_.steps.size()) - 1; s >= 0; --s) step_back(s);
    set_order(tasks_.backward_tasks, waits_.edges(), tasks_.backward);
  }

 private:
  // Of the gradients behind a norm; those themselves are known by their node.
  int32_t sums_of(int32_t norm) const {
    return static_cast<int32_t>(analysis_.nodes.size()) + norm;
  }

  // A task of the sweep back, made of one of the sweep forward.
  Task& add(const Task& forward, Kind kind, const Gradient& read) {
    Task& task = tasks_.backward_tasks.emplace_back(forward);
    task.kind = kind;
    task.parts = 1;
    task.grad = read.view;
    task.out.at = kNowhere;
    if (read.node >= 0) waits_.read(last(), read.node);
    return task;
  }
  int32_t last() const { return static_cast<int32_t>(tasks_.backward_tasks.size()) - 1; }

  // Whether nothing is written for a gradient that a task of this kind would add to.
  bool is_view(const Task& forward, int32_t node, const Gradient& read) const {
    const Analysis::Alias alias = analysis_.alias_of(program_, node);
    if (alias.node < 0) return false;
    if (alias.norm >= 0) return frozen_ && read.view.norm < 0;
    const Place &in = forward.in.place, &grad = read.view.place;
    return forward.channel == 0 && in.c == grad.c && in.h == grad.h && in.w == grad.w;
  }

  // Turns a task of the forward sweep into one that adds to the gradient of a node that it reads.
  void contribute(const Task& forward, Kind kind, int32_t node, const Gradient& read) {
    if (!analysis_.nodes[node].needed) return;
    Gradient& gradient = gradients_[node];
    if (is_view(forward, node, read)) {
      gradient = read;
      if (kind == Kind::norm_grad) gradient.view.norm = forward.in.norm;
      return;
    }
    const bool first = gradient.node < 0;
    if (first) {
      gradient = {{forward.in.place, -1}, node};
      gradient.view.place.at = Checked(tasks_.gradient_size).narrow();
      tasks_.gradient_size += std::max<int64_t>(1, forward.in.place.size());
    }
    Task& task = add(forward, kind, read);
    task.first = first;
    task.out = gradient.view.place;
    waits_.write(last(), node);
  }

  void step_back(int32_t number) {
    const Analysis::Step& step = analysis_.steps[number];
    const int32_t made = analysis_.node_made_by(step);
    if (!analysis_.nodes[made].needed) return;
    const Gradient from = gradients_[made];
    const Task* const forward = tasks_.forward_tasks.data() + first_tasks_[number];
    if (step.kind == Analysis::Step::Kind::statistics) return norm_back(step, *forward, from);
    if (forward->kind == Kind::conv) add_rows(step, *forward, Kind::conv_rows, from);
    if (forward->kind == Kind::linear) add_rows(step, *forward, Kind::linear_rows, from);
    for (int32_t k = step.inputs - 1; k >= 0; --k) {
      contribute(forward[k], description_of(forward->kind).gradient,
                 analysis_.node_of(analysis_.inputs_of(step)[k]), from);
    }
  }

  void add_rows(const Analysis::Step& step, const Task& forward, Kind kind, const Gradient& from) {
    if (step.rows > 0) add(forward, kind, from).row = Checked(step.first_row).narrow();
  }

  void norm_back(const Analysis::Step& step, const Task& forward, const Gradient& from) {
    add_rows(step, forward, Kind::norm_rows, from);
    const int32_t node = analysis_.node_of(analysis_.input_of(step));
    if (!analysis_.nodes[node].needed) return;
    if (!frozen_) {
      add(forward, Kind::norm_sums, from);
      waits_.write(last(), sums_of(step.out));
    }
    // `in` stays the view through the norm, whose coefficients the task reads.
    const size_t before = tasks_.backward_tasks.size();
    contribute(forward, Kind::norm_grad, node, from);
    if (!frozen_ && tasks_.backward_tasks.size() > before) waits_.read(last(), sums_of(step.out));
  }

  const Program& program_;
  const Analysis& analysis_;
  const bool frozen_;
  Tasks& tasks_;
  Waits& waits_;
  std::vector<int32_t>& first_tasks_;
  std::vector<Gradient>& gradients_;
};

}  // namespace

void emit_backward(const Program& program, Scratch& scratch, Tasks& tasks) {
  Backward(program, scratch, tasks).emit();
}

}  // namespace tegnas::cuda::grouped
