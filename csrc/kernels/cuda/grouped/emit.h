// Writes a program as tasks, each with the tasks that it waits for.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/program/program.h"
#include "kernels/cuda/grouped/task.h"
#include "kernels/cuda/grouped/waits.h"
#include "kernels/cuda/grouped/work.h"

namespace tegnas::cuda::grouped {

enum class Purpose { frozen, coupled, regions };

// When a task may run.
struct Order {
  Kernel kernel;
  int32_t waits;                // followings of others that it is in; -1: a part, run with its sum
  int32_t ahead;                // tasks of the longest chain behind it
  int32_t follower, followers;  // the tasks that wait for it: where they begin, how many
  Work work;
};

// The tasks of a sweep, in an order in which they could run one after the other.
struct Steps {
  std::vector<Task> tasks;
  std::vector<Order> order;        // of each task
  std::vector<int32_t> followers;  // of one task after the other

  int64_t size() const { return static_cast<int64_t>(tasks.size()); }
  void clear() {
    tasks.clear();
    order.clear();
    followers.clear();
  }
};

// What is known of a program besides its tasks.
struct Sizes {
  View logits;
  // Numbers per image of the values, and of the gradients (times seeds).
  int64_t value_size = 0, gradient_size = 0;
  int64_t norm_channels = 0;
  int64_t body_rows = 0, rows = 0;  // the body's rows come first
  bool all_rows_written = true;     // otherwise some weight has no gradient: its rows are zero
  int32_t words = 0;                // regions: 32-bit words of a pattern
};

struct Tasks : Sizes {
  Steps forward, backward;

  void clear() {
    static_cast<Sizes&>(*this) = {};
    forward.clear();
    backward.clear();
  }
};

// Where the gradient of a node lies; `known` once a task has been written that makes it.
struct Gradient {
  GradientView view;
  bool known = false;
};

// What is needed while a program is written, kept for the next one: programs are many and small,
// and asking for memory would take as long as writing them.
struct Scratch {
  Waits waits;
  // Forward, by value: whether it is needed, and how it is read.
  std::vector<char> live;
  std::vector<View> views;
  std::vector<Task> parts;  // of the sum that is written
  // Backward, by node.
  std::vector<char> needs;
  std::vector<int32_t> consumers;
  std::vector<Gradient> gradients;
  std::vector<int32_t> norm_of_channel;  // by its first channel
  std::vector<size_t> rest_tasks;
};

// Throws std::invalid_argument where a kernel is asked for and the program has no logits.
Tasks emit_tasks(const tegnas::engine::Program& program, Purpose purpose);

// The same in place of other tasks, whose memory is used again.
void emit_tasks(const tegnas::engine::Program& program, Purpose purpose, Scratch& scratch, Tasks& tasks);

// The tasks of all programs are numbered one after the other, those of a program forward first.
// Where each program's begin, and at the end how many there are.
std::vector<int64_t> number_tasks(const std::vector<Tasks>& programs);

// A program's tasks in this order.
void copy_tasks(const Tasks& program, Task* to);

// Adds the backward sweep of a forward one, in which there are `places` places of values.
void emit_backward(Tasks& tasks, Purpose purpose, int32_t places, Scratch& scratch);

// Fills in the order of tasks that wait for each other so.
void set_order(Steps& steps, const std::vector<Waits::Edge>& edges);

}  // namespace tegnas::cuda::grouped
