// The backward sweep of a program, from its forward tasks.
//
// Gradients belong to nodes. Where a node has one consumer and that hands its own gradient on
// unchanged (a part of a sum) or times a constant (a frozen norm), nothing is written: the node's
// gradient is a view of the consumer's.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "kernels/grouped/emit.h"
#include "kernels/grouped/waits.h"

namespace tegnas::grouped {
namespace {

// What a gradient belongs to: a place, or the output of a norm that reads it.
using Node = std::pair<int64_t, int32_t>;

Node node_of(const View& view) { return {view.place.at, view.norm}; }

Node read_by(const Task& t) {
  return t.kind == Kind::statistics ? Node{t.in.place.at, -1} : node_of(t.in);
}

Node made_by(const Task& t) {
  return t.kind == Kind::statistics ? node_of(t.in) : Node{t.out.at, -1};
}

class Backward {
 public:
  Backward(Tasks& tasks, Purpose purpose) : tasks_(tasks), frozen_(purpose == Purpose::frozen) {}

  void emit() {
    find_needs();
    count_consumers();
    Task seed;
    seed.in = tasks_.logits;
    contribute(seed, Kind::seed, tasks_.logits, node_of(tasks_.logits));
    for (size_t k = tasks_.forward.size(); k-- > 0;) step_back(tasks_.forward[k]);
    for (size_t task : rest_tasks_) tasks_.backward[task].task.row += tasks_.body_rows;
    tasks_.rows = tasks_.body_rows + rest_rows_;
  }

 private:
  // Whether any weight lies behind a node.
  bool needs(const Node& node) const { return needs_.count(node) > 0; }

  void find_needs() {
    for (const Step& step : tasks_.forward) {
      const Task& t = step.task;
      if (t.weight >= 0 || (t.kind != Kind::fill && needs(read_by(t)))) {
        needs_.insert({made_by(t), true});
      }
    }
  }

  // How many tasks a node's gradient comes from; none where the logits don't depend on it.
  void count_consumers() {
    if (needs(node_of(tasks_.logits))) consumers_[node_of(tasks_.logits)] = 1;
    for (size_t k = tasks_.forward.size(); k-- > 0;) {
      const Task& t = tasks_.forward[k].task;
      if (t.kind != Kind::fill && consumers_.count(made_by(t)) > 0 && needs(read_by(t))) {
        ++consumers_[read_by(t)];
      }
    }
  }

  void append(const Task& task) {
    std::vector<Waits::Resource> reads, writes;
    if (task.kind != Kind::seed) reads.push_back({'g', task.grad.place.at});
    if (task.kind == Kind::norm_grad) reads.push_back({'s', task.in.norm});
    if (task.kind == Kind::norm_sums) writes.push_back({'s', task.in.norm});
    if (task.out.at >= 0) writes.push_back({'g', task.out.at});
    const auto index = static_cast<int32_t>(tasks_.backward.size());
    tasks_.backward.push_back({task, waits_.of(index, reads, writes)});
  }

  bool same_numbers(const Task& t) const {
    const Place &in = t.in.place, &grad = t.grad.place;
    return !t.in.relu && t.factor < 0 && t.channel == 0 && t.top == 0 && t.left == 0 &&
           in.c == grad.c && in.h == grad.h && in.w == grad.w;
  }

  // Turns a task of the forward sweep into one that adds to the gradient of its input.
  void contribute(Task task, Kind kind, const View& to, const Node& from) {
    const Node node = node_of(to);
    if (!needs(node)) return;
    if (kind != Kind::seed) task.grad = gradients_.at(from);
    const bool alone = consumers_.at(node) == 1;
    if (alone && kind == Kind::sum_grad && same_numbers(task)) {
      gradients_[node] = task.grad;
      return;
    }
    if (alone && kind == Kind::norm_grad && frozen_ && task.grad.norm < 0) {
      gradients_[node] = {task.grad.place, task.in.norm};
      return;
    }
    const auto [found, first] = gradients_.insert({node, {to.place, -1}});
    if (first) {
      found->second.place.at = tasks_.gradient_size;
      tasks_.gradient_size += std::max<int64_t>(1, to.place.size());
    }
    task.kind = kind;
    task.parts = 1;
    task.first = first;
    task.out = found->second.place;
    append(task);
  }

  void rows(Task task, Kind kind, int64_t count, bool body, const Node& from) {
    const auto found = gradients_.find(from);
    if (count == 0) return;
    task.kind = kind;
    task.row = body ? tasks_.body_rows : rest_rows_;
    (body ? tasks_.body_rows : rest_rows_) += count;
    if (found == gradients_.end()) {
      tasks_.all_rows_written = false;
      return;
    }
    task.grad = found->second;
    task.out.at = kNowhere;
    // Rows of the rest are numbered apart until the number of the body's is known.
    if (!body) rest_tasks_.push_back(tasks_.backward.size());
    append(task);
  }

  void step_back(const Step& step) {
    const Task& task = step.task;
    if (task.kind == Kind::statistics) return norm_back(task, step.body);
    const Node from = made_by(task);
    const int64_t inputs = task.in.place.size();
    if (task.kind == Kind::conv) {
      const int64_t per_channel =
          int64_t{task.in.place.c / task.groups} * task.window.kh * task.window.kw;
      rows(task, Kind::conv_rows, task.out.c * per_channel, step.body, from);
    } else if (task.kind == Kind::linear) {
      rows(task, Kind::linear_rows, task.out.c * inputs, step.body, from);
    }
    if (gradients_.count(from) == 0) return;
    switch (task.kind) {
      case Kind::conv:
        return contribute(task, Kind::conv_grad, task.in, from);
      case Kind::sum:
        return contribute(task, Kind::sum_grad, task.in, from);
      case Kind::avg_pool:
        return contribute(task, Kind::avg_pool_grad, task.in, from);
      case Kind::max_pool:
        return contribute(task, Kind::max_pool_grad, task.in, from);
      case Kind::global_avg_pool:
        return contribute(task, Kind::global_avg_pool_grad, task.in, from);
      case Kind::linear:
        return contribute(task, Kind::linear_grad, task.in, from);
      default:
        return;
    }
  }

  void norm_back(const Task& task, bool body) {
    const Node from = node_of(task.in);
    if (task.weight >= 0) rows(task, Kind::norm_rows, task.in.place.c, body, from);
    const auto found = gradients_.find(from);
    View source = task.in;
    source.norm = -1;
    if (found == gradients_.end() || !needs(node_of(source))) return;
    if (!frozen_) {
      Task sums = task;
      sums.kind = Kind::norm_sums;
      sums.grad = found->second;
      sums.out.at = kNowhere;
      append(sums);
    }
    // `in` stays the view through the norm, whose coefficients the task reads.
    contribute(task, Kind::norm_grad, source, from);
  }

  static constexpr int64_t kNowhere = -1;

  Tasks& tasks_;
  const bool frozen_;
  Waits waits_;
  std::map<Node, bool> needs_;
  std::map<Node, int> consumers_;
  std::map<Node, GradientView> gradients_;
  std::vector<size_t> rest_tasks_;
  int64_t rest_rows_ = 0;
};

}  // namespace

void emit_backward(Tasks& tasks, Purpose purpose) { Backward(tasks, purpose).emit(); }

}  // namespace tegnas::grouped
