#include "kernels/cuda/grouped/emit.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "kernels/checked.h"
namespace tegnas::cuda::grouped {
namespace {

using tegnas::engine::Instruction;
using tegnas::engine::Op;
using tegnas::engine::Program;
using tegnas::engine::Shape;

Geometry geometry(const tegnas::engine::Window& w) {
  const auto number = [](int64_t value) { return static_cast<int32_t>(value); };
  return {number(w.kh), number(w.kw), number(w.sh), number(w.sw),
          number(w.ph), number(w.pw), number(w.dh), number(w.dw)};
}

Place place(const Shape& s, int64_t at) {
  return {at, static_cast<int32_t>(s.c), static_cast<int32_t>(s.h), static_cast<int32_t>(s.w)};
}

class Forward {
 public:
  Forward(const Program& program, Purpose purpose, Scratch& scratch, Tasks& tasks)
      : program_(program),
        purpose_(purpose),
        tasks_(tasks),
        waits_(scratch.waits),
        live_(scratch.live),
        views_(scratch.views),
        parts_(scratch.parts) {}

  int32_t places() const { return places_; }

  void emit() {
    find_live();
    waits_.clear();
    views_.assign(program_.values(), View{});
    tasks_.forward.tasks.reserve(program_.instructions.size());
    views_[0].place = place(program_.shapes[0], kImages);
    for (int64_t value = 1; value < program_.values(); ++value) {
      if (purpose_ == Purpose::regions && program_.defines(value).counted) define_signs(value);
      if (live_[value]) define(value);
    }
    tasks_.logits = views_.back();
    set_order(tasks_.forward, waits_.edges());
  }

 private:
  void find_live() {
    live_.assign(program_.values(), false);
    live_.back() = purpose_ != Purpose::regions;
    for (int64_t value = program_.values() - 1; value > 0; --value) {
      const Instruction& i = program_.defines(value);
      // Of what is counted the signs come from what it reads.
      if (!live_[value] && !(purpose_ == Purpose::regions && i.counted)) continue;
      for (int64_t in : i.in) live_[in] = true;
    }
  }

  Place new_place(const Shape& shape) {
    Place made = place(shape, tasks_.value_size);
    made.id = places_++;
    // Places are told apart by where they begin, so even an empty one takes room.
    tasks_.value_size += std::max<int64_t>(1, shape.size());
    return made;
  }

  // Resources of a sweep forward: the places, at even numbers; the norms' coefficients, at odd
  // ones.
  static int32_t values(const Place& place) { return 2 * place.id; }
  static int32_t coefficients(int32_t norm) { return 2 * norm + 1; }

  // One task, or the parts of a sum or a product.
  void append(const Task* parts, size_t count) {
    const Task& head = parts[0];
    const bool norm = head.kind == Kind::statistics;
    const auto index = static_cast<int32_t>(tasks_.forward.size());
    for (const Task* part = parts; part < parts + count; ++part) {
      if (part->kind != Kind::fill) waits_.read(index, values(part->in.place));
      if (part->in.norm >= 0 && !norm) waits_.read(index, coefficients(part->in.norm));
    }
    if (norm) waits_.write(index, coefficients(head.in.norm));
    if (!norm && head.kind != Kind::signs) waits_.write(index, values(head.out));
    for (const Task* part = parts; part < parts + count; ++part) {
      tasks_.forward.tasks.push_back(*part);
    }
  }
  void append(const Task& task) { append(&task, 1); }

  void append_sum(std::vector<Task>& parts) {
    for (Task& part : parts) {
      part.kind = Kind::sum;
      part.parts = 0;
    }
    parts[0].parts = static_cast<int32_t>(parts.size());
    append(parts.data(), parts.size());
  }

  View materialise(const View& view) {
    if (view.norm < 0 && !view.relu) return view;
    Task task;
    task.in = view;
    const Place& from = view.place;
    task.out = new_place({from.c, from.h, from.w});
    parts_.assign(1, task);
    append_sum(parts_);
    return {task.out, -1, false};
  }

  void define(int64_t value) {
    const Instruction& i = program_.defines(value);
    const Shape& shape = program_.shapes[value];
    if (i.op == Op::batch_norm) return define_norm(value, i);
    if (i.op == Op::relu) {
      views_[value] = views_[i.in[0]];
      views_[value].relu = true;
      return;
    }
    Task task;
    task.out = new_place(shape);
    task.window = geometry(i.window);
    task.groups = static_cast<int32_t>(i.groups);
    task.weight = i.weight;
    task.bias = i.bias;
    task.factor = i.factor;
    task.include_pad = i.count_include_pad;
    task.body = i.body;
    views_[value].place = task.out;
    switch (i.op) {
      case Op::add:
      case Op::concat:
      case Op::pad:
      case Op::scale:
        return define_sum(i, task);
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
        task.other.place = new_place(shape);
        break;
      case Op::global_avg_pool:
        task.kind = Kind::global_avg_pool;
        break;
      case Op::linear:
        task.kind = Kind::linear;
        break;
      case Op::product:
        return define_product(i, task);
      case Op::activation:
        task.kind = Kind::apply;
        task.function = i.function;
        task.number = i.below;
        task.other.place.at = kNowhere;
        if (purpose_ != Purpose::regions) task.other.place = new_place(shape);
        break;
      case Op::batch_norm:
      case Op::relu:
        return;  // views
    }
    if (i.op != Op::zeros) task.in = views_[i.in[0]];
    append(task);
  }

  void define_sum(const Instruction& i, Task task) {
    task.top = static_cast<int32_t>(i.top);
    task.left = static_cast<int32_t>(i.left);
    parts_.clear();
    for (int64_t in : i.in) {
      task.in = views_[in];
      parts_.push_back(task);
      if (i.op == Op::concat) task.channel += task.in.place.c;
    }
    append_sum(parts_);
  }

  void define_product(const Instruction& i, Task task) {
    task.kind = Kind::product;
    parts_.clear();
    for (size_t k = 0; k < 2; ++k) {
      task.in = views_[i.in[k]];
      task.other = views_[i.in[1 - k]];
      task.parts = k == 0 ? 2 : 0;
      parts_.push_back(task);
    }
    append(parts_.data(), parts_.size());
  }

  void define_norm(int64_t value, const Instruction& i) {
    Task task;
    task.kind = Kind::statistics;
    task.in = materialise(views_[i.in[0]]);
    task.in.norm = Checked(tasks_.norm_channels).narrow();
    task.weight = i.weight;
    task.bias = i.bias;
    task.number = i.eps;
    task.body = i.body;
    tasks_.norm_channels += std::max<int64_t>(1, program_.shapes[value].c);
    views_[value] = task.in;
    append(task);
  }

  void define_signs(int64_t value) {
    const Instruction& i = program_.defines(value);
    const tegnas::engine::Thresholds thresholds = tegnas::engine::thresholds_of(i);
    for (int k = 0; k < thresholds.count; ++k) {
      Task task;
      task.kind = Kind::signs;
      task.in = views_[i.in[0]];
      task.word = tasks_.words;
      task.number = thresholds.at[k];
      tasks_.words = (Checked(tasks_.words) + (task.in.place.size() + 31) / 32).narrow();
      append(task);
    }
  }

  const Program& program_;
  const Purpose purpose_;
  Tasks& tasks_;
  int32_t places_ = 1;  // the images first
  Waits& waits_;
  std::vector<char>& live_;
  std::vector<View>& views_;
  std::vector<Task>& parts_;
};

}  // namespace

void set_order(Steps& steps, const std::vector<Waits::Edge>& edges) {
  steps.order.assign(steps.tasks.size(), Order{});
  for (size_t k = 0; k < steps.tasks.size(); ++k) {
    steps.order[k].kernel = kernel_of(steps.tasks[k].kind);
    steps.order[k].work = work_of(steps.tasks[k]);
    if (steps.tasks[k].parts == 0) steps.order[k].waits = -1;
  }
  for (const auto& [earlier, later] : edges) {
    ++steps.order[earlier].followers;
    ++steps.order[later].waits;
  }
  int32_t end = 0;
  for (Order& order : steps.order) {
    order.follower = end;
    end += order.followers;
    order.followers = 0;
  }
  steps.followers.resize(edges.size());
  for (const auto& [earlier, later] : edges) {
    Order& order = steps.order[earlier];
    steps.followers[order.follower + order.followers++] = later;
  }
  // Followers come later, so that theirs is known.
  for (auto order = steps.order.rbegin(); order != steps.order.rend(); ++order) {
    for (int32_t f = order->follower; f < order->follower + order->followers; ++f) {
      order->ahead = std::max(order->ahead, steps.order[steps.followers[f]].ahead + 1);
    }
  }
}

Tasks emit_tasks(const Program& program, Purpose purpose) {
  Scratch scratch;
  Tasks tasks;
  emit_tasks(program, purpose, scratch, tasks);
  return tasks;
}

void emit_tasks(const Program& program, Purpose purpose, Scratch& scratch, Tasks& tasks) {
  tasks.clear();
  Forward forward(program, purpose, scratch, tasks);
  forward.emit();
  if (purpose == Purpose::regions) return;
  const Shape& last = program.shapes.back();
  if (program.instructions.empty() || last.h != 1 || last.w != 1) {
    throw std::invalid_argument("the program has no logits of shape (K, 1, 1).");
  }
  emit_backward(tasks, purpose, forward.places(), scratch);
}

std::vector<int64_t> number_tasks(const std::vector<Tasks>& programs) {
  std::vector<int64_t> first = {0};
  first.reserve(programs.size() + 1);
  for (const Tasks& program : programs) {
    first.push_back(first.back() + program.forward.size() + program.backward.size());
  }
  return first;
}

void copy_tasks(const Tasks& program, Task* to) {
  to = std::copy(program.forward.tasks.begin(), program.forward.tasks.end(), to);
  std::copy(program.backward.tasks.begin(), program.backward.tasks.end(), to);
}

}  // namespace tegnas::cuda::grouped
