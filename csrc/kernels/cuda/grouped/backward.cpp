// The backward sweep of a program, from its analysis: what is done with the tasks of the forward
// one.
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
        gradients_(scratch.gradients) {
    waits_.clear();
    gradients_.assign(analysis_.nodes.size(), Gradient{});
  }

  void emit() {
    tasks_.backward.list.reserve(2 * tasks_.list.size());
    Task& seed = tasks_.list.emplace_back();
    seed.kind = Kind::none;
    seed.in = tasks_.logits;
    const auto last = static_cast<int32_t>(tasks_.list.size()) - 1;
    contribute(last, Kind::seed, analysis_.node_of(analysis_.logits), Gradient{});
    for (auto s = static_cast<int32_t>(analysis_.steps.size()) - 1; s >= 0; --s) step_back(s);
    set_order(waits_.edges(), tasks_.backward);
  }

 private:
  // Of the gradients behind a norm; those themselves are known by their node.
  int32_t sums_of(int32_t norm) const {
    return static_cast<int32_t>(analysis_.nodes.size()) + norm;
  }

  // What the sweep back does with a task, from the gradient of what the task makes.
  void add(int32_t number, Kind kind, const Gradient& read) {
    Task& task = tasks_.list[number];
    task.grad = read.view;
    add_step(tasks_.backward, task, number, kind);
    if (read.node >= 0) waits_.read(last(), read.node);
  }
  int32_t last() const { return static_cast<int32_t>(tasks_.backward.size()) - 1; }

  // Whether nothing is written for a gradient that this task would add to.
  bool is_view(const Task& task, int32_t node, const Gradient& read) const {
    const Analysis::Alias alias = analysis_.alias_of(program_, node);
    if (alias.node < 0) return false;
    if (alias.norm >= 0) return frozen_ && read.view.norm < 0;
    const Place &in = task.in.place, &out = task.out;
    return task.channel == 0 && in.c == out.c && in.h == out.h && in.w == out.w;
  }

  // A task adds to the gradient of the node that it reads.
  void contribute(int32_t number, Kind kind, int32_t node, const Gradient& read) {
    if (!analysis_.nodes[node].needed) return;
    Task& task = tasks_.list[number];
    Gradient& gradient = gradients_[node];
    if (is_view(task, node, read)) {
      gradient = read;
      if (kind == Kind::norm_grad) gradient.view.norm = task.in.norm;
      return;
    }
    task.first = gradient.node < 0;
    if (task.first) {
      gradient = {{Checked(tasks_.gradient_size).narrow(), -1}, node};
      tasks_.gradient_size += std::max<int64_t>(1, task.in.place.size());
    }
    task.gradient = kind;
    task.into = gradient.view.at;
    add(number, kind, read);
    waits_.write(last(), node);
  }

  void step_back(int32_t number) {
    const Analysis::Step& step = analysis_.steps[number];
    const int32_t made = analysis_.node_made_by(step);
    if (!analysis_.nodes[made].needed) return;
    const Gradient from = gradients_[made];
    const int32_t first = tasks_.forward.list[number].task;
    if (step.kind == Analysis::Step::Kind::statistics) return norm_back(step, first, from);
    const Kind kind = tasks_.list[first].kind;
    if (kind == Kind::conv) add_rows(step, first, Kind::conv_rows, from);
    if (kind == Kind::linear) add_rows(step, first, Kind::linear_rows, from);
    for (int32_t k = step.inputs - 1; k >= 0; --k) {
      contribute(first + k, description_of(kind).gradient,
                 analysis_.node_of(analysis_.inputs_of(step)[k]), from);
    }
  }

  void add_rows(const Analysis::Step& step, int32_t number, Kind kind, const Gradient& from) {
    if (step.rows == 0) return;
    Task& task = tasks_.list[number];
    task.rows = kind;
    task.row = Checked(step.first_row).narrow();
    add(number, kind, from);
    tasks_.row_warps = std::max(tasks_.row_warps, int64_t{tasks_.backward.list.back().work.units});
  }

  void norm_back(const Analysis::Step& step, int32_t number, const Gradient& from) {
    add_rows(step, number, Kind::norm_rows, from);
    const int32_t node = analysis_.node_of(analysis_.input_of(step));
    if (!analysis_.nodes[node].needed) return;
    if (!frozen_) {
      add(number, Kind::norm_sums, from);
      waits_.write(last(), sums_of(step.out));
    }
    // `in` stays the view through the norm, whose coefficients the task reads.
    const int64_t before = tasks_.backward.size();
    contribute(number, Kind::norm_grad, node, from);
    if (!frozen_ && tasks_.backward.size() > before) waits_.read(last(), sums_of(step.out));
  }

  const Program& program_;
  const Analysis& analysis_;
  const bool frozen_;
  Tasks& tasks_;
  Waits& waits_;
  std::vector<Gradient>& gradients_;
};

}  // namespace

void emit_backward(const Program& program, Scratch& scratch, Tasks& tasks) {
  Backward(program, scratch, tasks).emit();
}

}  // namespace tegnas::cuda::grouped
