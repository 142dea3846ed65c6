#include "kernels/cuda/grouped/emit.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/checked.h"

namespace tegnas::cuda::grouped {
namespace {

using tegnas::engine::Analysis;
using tegnas::engine::Instruction;
using tegnas::engine::Op;
using tegnas::engine::Program;
using tegnas::engine::Purpose;
using tegnas::engine::Shape;

Geometry geometry(const tegnas::engine::Window& w) {
  const auto number = [](int64_t value) { return static_cast<int32_t>(value); };
  return {number(w.kh), number(w.kw), number(w.sh), number(w.sw),
          number(w.ph), number(w.pw), number(w.dh), number(w.dw)};
}

class Forward {
 public:
  Forward(const Program& program, Scratch& scratch, Tasks& tasks)
      : program_(program),
        analysis_(scratch.analysis),
        tasks_(tasks),
        waits_(scratch.waits),
        places_(scratch.places),
        channels_(scratch.channels) {}

  void emit() {
    if (program_.parameters > INT32_MAX) {
      throw std::invalid_argument("the program has 2^31 parameters or more.");
    }
    waits_.clear();
    channels_.clear();
    places_.clear();
    const size_t few = std::max(analysis_.steps.size(), analysis_.inputs.size());
    tasks_.list.reserve(few + 1);
    tasks_.forward.list.reserve(analysis_.steps.size());
    tasks_.largest = program_.shapes[0].size();
    for (const Analysis::Buffer& buffer : analysis_.buffers) {
      places_.push_back(place(buffer.shape, kImages));
    }
    for (const Analysis::Step& step : analysis_.steps) emit(step);
    tasks_.words = analysis_.words;
    tasks_.rows = analysis_.rows;
    tasks_.searched_rows = analysis_.searched_rows;
    if (analysis_.logits.buffer >= 0) tasks_.logits = view_of(analysis_.logits);
    set_order(waits_.edges(), tasks_.forward);
  }

 private:
  static Place place(const Shape& s, int32_t at) {
    return {at, static_cast<int32_t>(s.c), static_cast<int32_t>(s.h), static_cast<int32_t>(s.w)};
  }

  Place new_place(const Shape& shape) {
    const Place made = place(shape, Checked(tasks_.value_size).narrow());
    // Places are told apart by where they begin, so even an empty one takes room.
    tasks_.value_size += std::max<int64_t>(1, shape.size());
    tasks_.largest = std::max(tasks_.largest, shape.size());
    return made;
  }

  View view_of(const tegnas::engine::View& view) const {
    return {places_[view.buffer], view.norm < 0 ? -1 : channels_[view.norm], view.relu};
  }

  void emit(const Analysis::Step& step) {
    const auto first = static_cast<int32_t>(tasks_.list.size());
    switch (step.kind) {
      case Analysis::Step::Kind::instruction:
        emit_instruction(step);
        break;
      case Analysis::Step::Kind::copy:
        emit_copy(step);
        break;
      case Analysis::Step::Kind::statistics:
        emit_statistics(step);
        break;
      case Analysis::Step::Kind::signs:
        emit_signs(step);
        break;
    }
    const auto index = static_cast<int32_t>(tasks_.forward.size());
    add_step(tasks_.forward, tasks_.list[first], first, tasks_.list[first].kind);
    // What it reads and what it makes: nodes.
    const tegnas::engine::View* const in = analysis_.inputs_of(step);
    for (int32_t k = 0; k < step.inputs; ++k) {
      waits_.read(index, analysis_.node_of_buffer(in[k].buffer));
      if (in[k].norm >= 0) waits_.read(index, analysis_.node_of_norm(in[k].norm));
    }
    if (step.out >= 0) waits_.write(index, analysis_.node_made_by(step));
  }

  // A task to be filled in where it stays: made elsewhere and copied, the copy would wait until
  // each of its numbers has been stored.
  Task& add() {
    static const Task blank;
    return tasks_.list.emplace_back(blank);
  }

  void emit_instruction(const Analysis::Step& step) {
    const Instruction& i = program_.defines(step.value);
    const Shape& shape = analysis_.buffers[step.out].shape;
    Task& task = add();
    task.out = places_[step.out] = new_place(shape);
    if (analysis_.buffers[step.out].zero) return;
    task.kind = kind_of(i.op);
    task.window = geometry(i.window);
    task.groups = static_cast<int32_t>(i.groups);
    task.weight = static_cast<int32_t>(i.weight);
    task.bias = static_cast<int32_t>(i.bias);
    task.factor = static_cast<int32_t>(i.factor);
    task.include_pad = i.count_include_pad;
    task.top = static_cast<int32_t>(i.top);
    task.left = static_cast<int32_t>(i.left);
    task.function = i.function;
    task.number = i.below;
    task.other.place.at = kNowhere;
    const bool gradients = analysis_.purpose != Purpose::regions;
    if (task.kind == Kind::max_pool || (task.kind == Kind::apply && gradients)) {
      task.other.place = new_place(shape);
    }
    emit_parts(step, i.op == Op::concat);
  }

  // A task for each thing read, of which the last task is the first; where they are several, it is
  // carried out by that one.
  void emit_parts(const Analysis::Step& step, bool side_by_side) {
    std::vector<Task>& tasks = tasks_.list;
    const tegnas::engine::View* const in = analysis_.inputs_of(step);
    const size_t first = tasks.size() - 1;
    for (int32_t k = 1; k < step.inputs; ++k) tasks.emplace_back(tasks[first]);
    int32_t channel = 0;
    for (int32_t k = 0; k < step.inputs; ++k) {
      Task& task = tasks[first + k];
      task.parts = k == 0 ? step.inputs : 0;
      task.in = view_of(in[k]);
      if (task.kind == Kind::product) task.other = view_of(in[1 - k]);
      if (side_by_side) {
        task.channel = channel;
        channel += task.in.place.c;
      }
    }
  }

  void emit_copy(const Analysis::Step& step) {
    Task& task = add();
    task.kind = Kind::sum;
    task.out = places_[step.out] = new_place(analysis_.buffers[step.out].shape);
    emit_parts(step, false);
  }

  void emit_statistics(const Analysis::Step& step) {
    const Instruction& i = program_.defines(step.value);
    Task& task = add();
    task.kind = Kind::statistics;
    task.in = view_of(analysis_.input_of(step));
    task.in.norm = Checked(tasks_.norm_channels).narrow();
    task.out = task.in.place;
    task.weight = static_cast<int32_t>(i.weight);
    task.bias = static_cast<int32_t>(i.bias);
    task.number = i.eps;
    channels_.push_back(task.in.norm);
    tasks_.norm_channels += std::max<int64_t>(1, task.in.place.c);
  }

  void emit_signs(const Analysis::Step& step) {
    Task& task = add();
    task.kind = Kind::signs;
    task.in = view_of(analysis_.input_of(step));
    task.word = step.first_word;
    task.number = step.threshold;
  }

  const Program& program_;
  const Analysis& analysis_;
  Tasks& tasks_;
  Waits& waits_;
  std::vector<Place>& places_;
  std::vector<int32_t>& channels_;
};

}  // namespace

void clear(Steps& steps) {
  steps.list.clear();
  steps.followers.clear();
}

void set_order(const std::vector<Waits::Edge>& edges, Steps& steps) {
  for (const auto& [earlier, later] : edges) {
    ++steps.list[earlier].followers;
    ++steps.list[later].waits;
  }
  int32_t end = 0;
  for (Step& step : steps.list) {
    end += step.followers;
    step.follower = end;  // of which as many are taken off below
  }
  steps.followers.resize(edges.size());
  // Edges are in the order of the steps that wait, so that from the end on the chain behind those
  // is known.
  for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge) {
    Step& earlier = steps.list[edge->first];
    earlier.ahead = std::max(earlier.ahead, steps.list[edge->second].ahead + 1);
    steps.followers[--earlier.follower] = edge->second;
  }
}

Tasks emit_tasks(const Program& program, Purpose purpose) {
  Scratch scratch;
  Tasks tasks;
  emit_tasks(program, purpose, scratch, tasks);
  return tasks;
}

void emit_tasks(const Program& program, Purpose purpose, Scratch& scratch, Tasks& tasks) {
  static_cast<Sizes&>(tasks) = {};
  tasks.list.clear();
  clear(tasks.forward);
  clear(tasks.backward);
  analyse(program, purpose, false, scratch.analysis_scratch, scratch.analysis);
  Forward(program, scratch, tasks).emit();
  if (purpose != Purpose::regions) emit_backward(program, scratch, tasks);
}

std::vector<int64_t> number_tasks(const std::vector<Tasks>& programs) {
  std::vector<int64_t> first = {0};
  first.reserve(programs.size() + 1);
  for (const Tasks& program : programs) {
    first.push_back(first.back() + static_cast<int64_t>(program.list.size()));
  }
  return first;
}

}  // namespace tegnas::cuda::grouped
