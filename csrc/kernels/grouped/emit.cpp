#include "kernels/grouped/emit.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "kernels/checked.h"
#include "kernels/grouped/waits.h"

namespace tegnas::grouped {
namespace {

using engine::Instruction;
using engine::Op;
using engine::Program;
using engine::Shape;

Geometry geometry(const engine::Window& w) {
  const auto number = [](int64_t value) { return static_cast<int32_t>(value); };
  return {number(w.kh), number(w.kw), number(w.sh), number(w.sw),
          number(w.ph), number(w.pw), number(w.dh), number(w.dw)};
}

Place place(const Shape& s, int64_t at) {
  return {at, static_cast<int32_t>(s.c), static_cast<int32_t>(s.h), static_cast<int32_t>(s.w)};
}

class Forward {
 public:
  Forward(const Program& program, Purpose purpose) : program_(program), purpose_(purpose) {}

  Tasks emit() {
    find_live();
    views_.resize(program_.values());
    views_[0].place = place(program_.shapes[0], kImages);
    for (int64_t value = 1; value < program_.values(); ++value) {
      if (live_[value]) define(value);
    }
    tasks_.logits = views_.back();
    return std::move(tasks_);
  }

 private:
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

  Place new_place(const Shape& shape) {
    const Place made = place(shape, tasks_.value_size);
    // Places are told apart by where they begin, so even an empty one takes room.
    tasks_.value_size += std::max<int64_t>(1, shape.size());
    return made;
  }

  // One task, or the parts of a sum.
  void append(const std::vector<Task>& parts, bool body = false) {
    const Task& head = parts[0];
    const bool norm = head.kind == Kind::statistics;
    std::vector<Waits::Resource> reads, writes;
    for (const Task& part : parts) {
      if (part.kind != Kind::fill) reads.push_back({'v', part.in.place.at});
      if (part.in.norm >= 0 && !norm) reads.push_back({'n', part.in.norm});
    }
    if (norm) writes.push_back({'n', head.in.norm});
    if (!norm && head.kind != Kind::signs) writes.push_back({'v', head.out.at});
    const auto index = static_cast<int32_t>(tasks_.forward.size());
    tasks_.forward.push_back({head, waits_.of(index, reads, writes), body});
    for (size_t k = 1; k < parts.size(); ++k) tasks_.forward.push_back({parts[k], {}, false});
  }

  void append_sum(std::vector<Task> parts) {
    for (Task& part : parts) {
      part.kind = Kind::sum;
      part.parts = 0;
    }
    parts[0].parts = static_cast<int32_t>(parts.size());
    append(parts);
  }

  View materialise(const View& view) {
    if (view.norm < 0 && !view.relu) return view;
    Task task;
    task.in = view;
    const Place& from = view.place;
    task.out = new_place({from.c, from.h, from.w});
    append_sum({task});
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
        task.index = new_place(shape);
        break;
      case Op::global_avg_pool:
        task.kind = Kind::global_avg_pool;
        break;
      default:
        task.kind = Kind::linear;
    }
    if (i.op != Op::zeros) task.in = views_[i.in[0]];
    append({task}, i.body);
  }

  void define_sum(const Instruction& i, Task task) {
    task.top = static_cast<int32_t>(i.top);
    task.left = static_cast<int32_t>(i.left);
    std::vector<Task> parts;
    for (int64_t in : i.in) {
      task.in = views_[in];
      parts.push_back(task);
      if (i.op == Op::concat) task.channel += task.in.place.c;
    }
    append_sum(parts);
  }

  void define_norm(int64_t value, const Instruction& i) {
    Task task;
    task.kind = Kind::statistics;
    task.in = materialise(views_[i.in[0]]);
    task.in.norm = Checked(tasks_.norm_channels).narrow();
    task.weight = i.weight;
    task.bias = i.bias;
    task.eps = i.eps;
    tasks_.norm_channels += std::max<int64_t>(1, program_.shapes[value].c);
    views_[value] = task.in;
    append({task}, i.body);
  }

  void define_relu(int64_t value, const Instruction& i) {
    views_[value] = views_[i.in[0]];
    views_[value].relu = true;
    if (purpose_ != Purpose::regions || !i.counted) return;
    Task task;
    task.kind = Kind::signs;
    task.in = views_[value];
    task.word = tasks_.words;
    tasks_.words = (Checked(tasks_.words) + (task.in.place.size() + 31) / 32).narrow();
    append({task});
  }

  const Program& program_;
  const Purpose purpose_;
  Tasks tasks_;
  Waits waits_;
  std::vector<bool> live_;
  std::vector<View> views_;
};

}  // namespace

Tasks emit_tasks(const Program& program, Purpose purpose) {
  Tasks tasks = Forward(program, purpose).emit();
  if (purpose == Purpose::regions) return tasks;
  const Shape& last = program.shapes.back();
  if (program.instructions.empty() || last.h != 1 || last.w != 1) {
    throw std::invalid_argument("the program has no logits of shape (K, 1, 1).");
  }
  emit_backward(tasks, purpose);
  return tasks;
}

}  // namespace tegnas::grouped
