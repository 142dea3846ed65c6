// The backward sweep of a program, from its forward tasks.
//
// Gradients belong to nodes. Where a node has one consumer and that hands its own gradient on
// unchanged (a part of a sum) or times a constant (a frozen norm), nothing is written: the node's
// gradient is a view of the consumer's.

#include <algorithm>
#include <vector>

#include "kernels/cuda/grouped/emit.h"

namespace tegnas::cuda::grouped {
namespace {

class Backward {
 public:
  Backward(Tasks& tasks, Purpose purpose, int32_t places, Scratch& scratch)
      : tasks_(tasks),
        frozen_(purpose == Purpose::frozen),
        places_(places),
        waits_(scratch.waits),
        norm_of_channel_(scratch.norm_of_channel),
        needs_(scratch.needs),
        consumers_(scratch.consumers),
        gradients_(scratch.gradients),
        rest_tasks_(scratch.rest_tasks) {
    number_norms();
    waits_.clear();
    rest_tasks_.clear();
    needs_.assign(places_ + norms_, false);
    consumers_.assign(places_ + norms_, 0);
    gradients_.assign(places_ + norms_, Gradient{});
  }

  void emit() {
    find_needs();
    count_consumers();
    tasks_.backward.tasks.reserve(2 * tasks_.forward.tasks.size());
    Task seed;
    seed.in = tasks_.logits;
    contribute(seed, Kind::seed, tasks_.logits, node_of(tasks_.logits));
    for (auto task = tasks_.forward.tasks.rbegin(); task != tasks_.forward.tasks.rend(); ++task) {
      step_back(*task);
    }
    for (size_t task : rest_tasks_) tasks_.backward.tasks[task].row += tasks_.body_rows;
    tasks_.rows = tasks_.body_rows + rest_rows_;
    set_order(tasks_.backward, waits_.edges());
  }

 private:
  // What a gradient belongs to: a place, or behind the places the output of a norm that reads it.
  using Node = int32_t;

  void number_norms() {
    norm_of_channel_.assign(tasks_.norm_channels, 0);
    for (const Task& t : tasks_.forward.tasks) {
      if (t.kind == Kind::statistics) norm_of_channel_[t.in.norm] = norms_++;
    }
  }

  Node node_of(const View& view) const {
    return view.norm < 0 ? view.place.id : places_ + norm_of_channel_[view.norm];
  }
  Node read_by(const Task& t) const {
    return t.kind == Kind::statistics ? t.in.place.id : node_of(t.in);
  }
  Node made_by(const Task& t) const {
    return t.kind == Kind::statistics ? node_of(t.in) : t.out.id;
  }

  // Whether any weight lies behind a node.
  bool needs(Node node) const { return needs_[node]; }

  void find_needs() {
    for (const Task& t : tasks_.forward.tasks) {
      if (t.weight >= 0 || (t.kind != Kind::fill && needs(read_by(t)))) needs_[made_by(t)] = true;
    }
  }

  // How many tasks a node's gradient comes from; none where the logits don't depend on it.
  void count_consumers() {
    if (needs(node_of(tasks_.logits))) consumers_[node_of(tasks_.logits)] = 1;
    for (auto t = tasks_.forward.tasks.rbegin(); t != tasks_.forward.tasks.rend(); ++t) {
      if (t->kind != Kind::fill && consumers_[made_by(*t)] > 0 && needs(read_by(*t))) {
        ++consumers_[read_by(*t)];
      }
    }
  }

  // Resources of a sweep back: the gradients, at even numbers; the norms' sums, at odd ones.
  static int32_t values(const Place& gradient) { return 2 * gradient.id; }
  static int32_t sums(int32_t norm) { return 2 * norm + 1; }

  // A task of the sweep back, made of one of the sweep forward.
  Task& add(const Task& forward, Kind kind) {
    Task& task = tasks_.backward.tasks.emplace_back(forward);
    task.kind = kind;
    task.parts = 1;
    return task;
  }

  // Notes what the task added last waits for.
  void note_waits() {
    const Task& task = tasks_.backward.tasks.back();
    const auto index = static_cast<int32_t>(tasks_.backward.size()) - 1;
    if (task.kind != Kind::seed) waits_.read(index, values(task.grad.place));
    if (task.kind == Kind::norm_grad) waits_.read(index, sums(task.in.norm));
    if (task.kind == Kind::norm_sums) waits_.write(index, sums(task.in.norm));
    if (task.out.at >= 0) waits_.write(index, values(task.out));
  }

  static bool same_numbers(const Task& t, const Place& grad) {
    const Place& in = t.in.place;
    return !t.in.relu && t.factor < 0 && t.channel == 0 && t.top == 0 && t.left == 0 &&
           in.c == grad.c && in.h == grad.h && in.w == grad.w;
  }

  // Turns a task of the forward sweep into one that adds to the gradient of its input.
  void contribute(const Task& forward, Kind kind, const View& to, Node from) {
    const Node node = node_of(to);
    if (!needs(node)) return;
    const GradientView read = kind == Kind::seed ? GradientView{} : gradients_[from].view;
    const bool alone = consumers_[node] == 1;
    if (alone && kind == Kind::sum_grad && same_numbers(forward, read.place)) {
      gradients_[node] = {read, true};
      return;
    }
    if (alone && kind == Kind::norm_grad && frozen_ && read.norm < 0) {
      gradients_[node] = {{read.place, forward.in.norm}, true};
      return;
    }
    Gradient& gradient = gradients_[node];
    const bool first = !gradient.known;
    if (first) {
      gradient = {{to.place, -1}, true};
      gradient.view.place.at = tasks_.gradient_size;
      gradient.view.place.id = gradient_places_++;
      tasks_.gradient_size += std::max<int64_t>(1, to.place.size());
    }
    Task& task = add(forward, kind);
    task.grad = read;
    task.first = first;
    task.out = gradient.view.place;
    note_waits();
  }

  void rows(const Task& forward, Kind kind, int64_t count, Node from) {
    if (count == 0) return;
    int64_t& rows = forward.body ? tasks_.body_rows : rest_rows_;
    const int64_t first = rows;
    rows += count;
    if (!gradients_[from].known) {
      tasks_.all_rows_written = false;
      return;
    }
    // Rows of the rest are numbered apart until the number of the body's is known.
    if (!forward.body) rest_tasks_.push_back(tasks_.backward.tasks.size());
    Task& task = add(forward, kind);
    task.row = first;
    task.grad = gradients_[from].view;
    task.out.at = kNowhere;
    note_waits();
  }

  void step_back(const Task& task) {
    if (task.kind == Kind::statistics) return norm_back(task);
    const Node from = made_by(task);
    const int64_t inputs = task.in.place.size();
    if (task.kind == Kind::conv) {
      const int64_t per_channel =
          int64_t{task.in.place.c / task.groups} * task.window.kh * task.window.kw;
      rows(task, Kind::conv_rows, task.out.c * per_channel, from);
    } else if (task.kind == Kind::linear) {
      rows(task, Kind::linear_rows, task.out.c * inputs, from);
    }
    if (!gradients_[from].known) return;
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
      case Kind::product:
      case Kind::apply:
        return contribute(task, Kind::product_grad, task.in, from);
      case Kind::fill:
      case Kind::signs:
      case Kind::statistics:  // norm_back
      case Kind::seed:        // of the sweep back, as what follows
      case Kind::conv_grad:
      case Kind::sum_grad:
      case Kind::avg_pool_grad:
      case Kind::max_pool_grad:
      case Kind::global_avg_pool_grad:
      case Kind::linear_grad:
      case Kind::product_grad:
      case Kind::norm_sums:
      case Kind::norm_grad:
      case Kind::conv_rows:
      case Kind::linear_rows:
      case Kind::norm_rows:
      case Kind::count:
        return;
    }
  }

  void norm_back(const Task& task) {
    const Node from = node_of(task.in);
    if (task.weight >= 0) rows(task, Kind::norm_rows, task.in.place.c, from);
    View source = task.in;
    source.norm = -1;
    if (!gradients_[from].known || !needs(node_of(source))) return;
    if (!frozen_) {
      Task& sums = add(task, Kind::norm_sums);
      sums.grad = gradients_[from].view;
      sums.out.at = kNowhere;
      note_waits();
    }
    // `in` stays the view through the norm, whose coefficients the task reads.
    contribute(task, Kind::norm_grad, source, from);
  }

  Tasks& tasks_;
  const bool frozen_;
  const int32_t places_;
  int32_t norms_ = 0, gradient_places_ = 0;
  Waits& waits_;
  std::vector<int32_t>& norm_of_channel_;
  std::vector<char>& needs_;
  std::vector<int32_t>& consumers_;
  std::vector<Gradient>& gradients_;
  std::vector<size_t>& rest_tasks_;
  int64_t rest_rows_ = 0;
};

}  // namespace

void emit_backward(Tasks& tasks, Purpose purpose, int32_t places, Scratch& scratch) {
  Backward(tasks, purpose, places, scratch).emit();
}

}  // namespace tegnas::cuda::grouped
