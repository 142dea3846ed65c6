// Writes a program as tasks, each with the tasks that it waits for.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/engine/program.h"
#include "kernels/grouped/task.h"

namespace tegnas::grouped {

enum class Purpose { frozen, coupled, regions };

struct Step {
  Task task;
  std::vector<int32_t> after;  // earlier steps of the same sweep
  bool body = false;           // its weight lies inside the searched cells
};

struct Tasks {
  std::vector<Step> forward, backward;
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

// Adds the backward sweep of a forward one.
void emit_backward(Tasks& tasks, Purpose purpose);

}  // namespace tegnas::grouped
