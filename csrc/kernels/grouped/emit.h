// Writes a program as tasks, each with the tasks that it waits for.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/engine/program.h"
#include "kernels/grouped/task.h"
#include "kernels/grouped/waits.h"
#include "kernels/grouped/work.h"

namespace tegnas::grouped {

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
};

struct Tasks {
  Steps forward, backward;
  View logits;
  // Numbers per image of the values, and of the gradients (times seeds).
  int64_t value_size = 0, gradient_size = 0;
  int64_t norm_channels = 0;
  int64_t body_rows = 0, rows = 0;  // the body's rows come first
  bool all_rows_written = true;     // otherwise some weight has no gradient: its rows are zero
  int32_t words = 0;                // regions: 32-bit words of a pattern
};

// Throws std::invalid_argument where a kernel is asked for and the program has no logits.
Tasks emit_tasks(const engine::Program& program, Purpose purpose);

// Adds the backward sweep of a forward one, in which there are `places` places of values.
void emit_backward(Tasks& tasks, Purpose purpose, int32_t places);

// Fills in the order of tasks that wait for each other so.
void set_order(Steps& steps, const std::vector<Waits::Edge>& edges);

}  // namespace tegnas::grouped
