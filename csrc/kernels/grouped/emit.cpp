#include "kernels/grouped/emit.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace tegnas::grouped {
namespace {

using engine::Instruction;
using engine::Op;
using engine::Program;
using engine::Shape;

// What a gradient belongs to: a place, or the output of a norm that reads it.
using Node = std::pair<int64_t, int32_t>;

Node node_of(const View& view) { return {view.place.at, view.norm}; }

// Puts a task one level above everything that it must wait for.
class Levels {
 public:
  using Resource = std::pair<char, int64_t>;

  int32_t put(const std::vector<Resource>& reads, const std::vector<Resource>& writes) {
    int32_t level = floor_;
    for (const Resource& r : reads) level = std::max(level, after_[r].written);
    for (const Resource& w : writes) {
      level = std::max({level, after_[w].written, after_[w].read});
    }
    for (const Resource& r : reads) after_[r].read = std::max(after_[r].read, level + 1);
    for (const Resource& w : writes) after_[w].written = level + 1;
    most_ = std::max(most_, level + 1);
    return level;
  }

  void begin_after_everything() { floor_ = most_; }

 private:
  struct Free {
    int32_t written = 0, read = 0;
  };
  std::map<Resource, Free> after_;
  int32_t floor_ = 0, most_ = 0;
};

Geometry geometry(const engine::Window& w) {
  const auto number = [](int64_t value) { return static_cast<int32_t>(value); };
  return {number(w.kh), number(w.kw), number(w.sh), number(w.sw),
          number(w.ph), number(w.pw), number(w.dh), number(w.dw)};
}

class Emitter {
 public:
  Emitter(const Program& program, Purpose purpose) : program_(program), purpose_(purpose) {}

  Tasks emit() {
    find_live();
    views_.resize(program_.values());
    views_[0].place = place(program_.shapes[0], kImages);
    for (int64_t value = 1; value < program_.values(); ++value) {
      if (live_[value]) define(value);
    }
    if (purpose_ != Purpose::regions) {
      const Shape& last = program_.shapes.back();
      if (program_.instructions.empty() || last.h != 1 || last.w != 1) {
        throw std::invalid_argument("the program has no logits of shape (K, 1, 1).");
      }
      tasks_.logits = views_.back();
      go_backward();
    }
    return std::move(tasks_);
  }

 private:
  // ---- forward ----
  void find_live() {
    live_.assign(program_.values(), false);
    live_.back() = purpose_ != Purpose::regions;
    for (int64_t value = program_.values() - 1; value > 0; --value) {
      const Instruction& i = program_.defines(value);
      if (purpose_ == Purpose::regions && i.op == Op::relu && i.counted) live_[value] = true;
      if (!live_[value]) continue;
      for (int64_t in : i.in) live_[in] = true;
    }
  }

  static Place place(const Shape& s, int64_t at) {
    return {at, static_cast<int32_t>(s.c), static_cast<int32_t>(s.h), static_cast<int32_t>(s.w)};
  }

  Place new_place(const Shape& shape) {
    const Place made = place(shape, tasks_.value_size);
    // Places are told apart by where they begin, so even an empty one takes room.
    tasks_.value_size += std::max<int64_t>(1, shape.size());
    return made;
  }

  void forward(const Task& task, bool body = false) {
    std::vector<Levels::Resource> reads, writes;
    reads.push_back({'v', task.in.place.at});
    if (task.in.norm >= 0) reads.push_back({'n', task.in.norm});
    if (task.kind == Kind::statistics) {
      writes.push_back({'n', task.in.norm});
      reads.pop_back();
    } else if (task.kind != Kind::signs) {
      writes.push_back({'v', task.out.at});
    }
    tasks_.forward.push_back({task, levels_.put(reads, writes)});
    bodies_.push_back(body);
  }

  View materialise(const View& view) {
    if (view.norm < 0 && !view.relu) return view;
    Task task;
    task.kind = Kind::copy;
    task.in = view;
    const Place& from = view.place;
    task.out = new_place({from.c, from.h, from.w});
    forward(task);
    return {task.out, -1, false};
  }

  void define(int64_t value) {
    const Instruction& i = program_.defines(value);
    const Shape& shape = program_.shapes[value];
    if (i.op == Op::batch_norm) return define_norm(value, i);
    if (i.op == Op::relu) return define_relu(value, i);
    Task task;
    task.out = new_place(shape);
    task.window = geometry(i.window);
    task.groups = static_cast<int32_t>(i.groups);
    task.weight = i.weight;
    task.bias = i.bias;
    task.factor = i.factor;
    task.include_pad = i.count_include_pad;
    views_[value].place = task.out;
    switch (i.op) {
      case Op::add:
      case Op::concat:
      case Op::pad:
      case Op::scale:
        return define_copies(i, task);
      case Op::zeros:
        task.kind = Kind::fill;
        break;
      case Op::conv2d:
        task.kind = Kind::conv;
        break;
      case Op::avg_pool:
        task.kind = Kind::avg_pool;
        break;
      case Op::max_pool:
        task.kind = Kind::max_pool;
        task.index = new_place(shape);
        break;
      case Op::global_avg_pool:
        task.kind = Kind::global_avg_pool;
        break;
      default:
        task.kind = Kind::linear;
    }
    if (i.op != Op::zeros) task.in = views_[i.in[0]];
    forward(task, i.body);
  }

  void define_copies(const Instruction& i, Task task) {
    task.kind = Kind::copy;
    task.top = static_cast<int32_t>(i.top);
    task.left = static_cast<int32_t>(i.left);
    for (size_t k = 0; k < i.in.size(); ++k) {
      task.in = views_[i.in[k]];
      task.first = k == 0 || i.op == Op::concat;
      forward(task);
      if (i.op == Op::concat) task.channel += task.in.place.c;
    }
  }

  void define_norm(int64_t value, const Instruction& i) {
    Task task;
    task.kind = Kind::statistics;
    task.in = materialise(views_[i.in[0]]);
    task.in.norm = static_cast<int32_t>(tasks_.norm_channels);
    task.weight = i.weight;
    task.bias = i.bias;
    task.eps = i.eps;
    tasks_.norm_channels += std::max<int64_t>(1, program_.shapes[value].c);
    views_[value] = task.in;
    forward(task, i.body);
  }

  void define_relu(int64_t value, const Instruction& i) {
    views_[value] = views_[i.in[0]];
    views_[value].relu = true;
    if (purpose_ != Purpose::regions || !i.counted) return;
    Task task;
    task.kind = Kind::signs;
    task.in = views_[value];
    task.word = tasks_.words;
    tasks_.words += static_cast<int32_t>((task.in.place.size() + 31) / 32);
    forward(task);
  }

  // ---- backward ----
  struct Gradient {
    Place place;
    bool written = false;
  };

  // Whether any weight lies behind a node.
  bool needs(const Node& node) const { return needs_.count(node) > 0; }

  void find_needs() {
    for (const Step& step : tasks_.forward) {
      const Task& t = step.task;
      const bool norm = t.kind == Kind::statistics;
      const Node source = norm ? Node{t.in.place.at, -1} : node_of(t.in);
      const Node made = norm ? node_of(t.in) : Node{t.out.at, -1};
      if (t.weight >= 0 || (t.kind != Kind::fill && needs(source))) needs_.insert({made, true});
    }
  }

  void backward(const Task& task, const Node& from) {
    std::vector<Levels::Resource> reads{{'g', key(from)}}, writes;
    if (task.kind == Kind::norm_sums) {
      writes.push_back({'s', task.in.norm});
    } else {
      writes.push_back({'g', task.out.at});
    }
    if (task.kind == Kind::norm_grad) reads.push_back({'s', task.in.norm});
    if (task.kind == Kind::seed) reads.clear();
    tasks_.backward.push_back({task, levels_.put(reads, writes)});
  }

  int64_t key(const Node& node) { return gradients_.at(node).place.at; }

  // Turns a task of the forward sweep into one that adds to the gradient of its input.
  void contribute(Task task, Kind kind, const View& to, const Node& from) {
    if (!needs(node_of(to))) return;
    Gradient& gradient = gradients_[node_of(to)];
    if (!gradient.written) {
      gradient.place = to.place;
      gradient.place.at = tasks_.gradient_size;
      tasks_.gradient_size += std::max<int64_t>(1, to.place.size());
    }
    task.kind = kind;
    task.first = !gradient.written;
    if (kind != Kind::seed) task.grad = gradients_.at(from).place;
    task.out = gradient.place;
    gradient.written = true;
    backward(task, from);
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
    task.grad = found->second.place;
    // Rows of the rest are numbered apart until the number of the body's is known.
    if (!body) rest_tasks_.push_back(tasks_.backward.size());
    tasks_.backward.push_back({task, levels_.put({{'g', task.grad.at}}, {})});
  }

  void go_backward() {
    find_needs();
    levels_.begin_after_everything();
    const View logits = tasks_.logits;
    Task seed;
    seed.in = logits;
    contribute(seed, Kind::seed, logits, node_of(logits));
    for (size_t k = tasks_.forward.size(); k-- > 0;) {
      step_back(tasks_.forward[k].task, bodies_[k]);
    }
    for (size_t task : rest_tasks_) tasks_.backward[task].task.row += tasks_.body_rows;
    tasks_.rows = tasks_.body_rows + rest_rows_;
  }

  void step_back(const Task& task, bool body) {
    if (task.kind == Kind::statistics) return norm_back(task, body);
    const Node from{task.out.at, -1};
    const int64_t inputs = task.in.place.size();
    if (task.kind == Kind::conv) {
      const int64_t per_channel =
          int64_t{task.in.place.c / task.groups} * task.window.kh * task.window.kw;
      rows(task, Kind::conv_rows, task.out.c * per_channel, body, from);
    } else if (task.kind == Kind::linear) {
      rows(task, Kind::linear_rows, task.out.c * inputs, body, from);
    }
    if (gradients_.count(from) == 0) return;
    switch (task.kind) {
      case Kind::conv:
        return contribute(task, Kind::conv_grad, task.in, from);
      case Kind::copy:
        return contribute(task, Kind::copy_grad, task.in, from);
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
    if (purpose_ == Purpose::coupled) {
      Task sums = task;
      sums.kind = Kind::norm_sums;
      sums.grad = found->second.place;
      backward(sums, from);
    }
    // `in` stays the view through the norm, whose coefficients the task reads.
    contribute(task, Kind::norm_grad, source, from);
  }

  const Program& program_;
  const Purpose purpose_;
  Tasks tasks_;
  Levels levels_;
  std::vector<bool> live_;
  std::vector<View> views_;
  std::vector<bool> bodies_;  // by forward task
  std::map<Node, bool> needs_;
  std::map<Node, Gradient> gradients_;
  std::vector<size_t> rest_tasks_;
  int64_t rest_rows_ = 0;
};

}  // namespace

const char* kind_name(Kind kind) {
  constexpr const char* names[] = {"fill",       "convolution", "copy",           "average pool",
                                   "max pool",   "global pool", "linear",         "statistics",
                                   "signs",      "seed",        "convolution ∂x", "copy ∂x",
                                   "average ∂x", "max pool ∂x", "global pool ∂x", "linear ∂x",
                                   "norm sums",  "norm ∂x",     "convolution ∂w", "linear ∂w",
                                   "norm ∂w"};
  return names[static_cast<int>(kind)];
}

Tasks emit_tasks(const Program& program, Purpose purpose) {
  return Emitter(program, purpose).emit();
}

}  // namespace tegnas::grouped
