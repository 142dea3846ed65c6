// Writes a program as tasks, each with the tasks that it waits for, from its analysis.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/grouped/task.h"
#include "kernels/cuda/grouped/waits.h"
#include "kernels/cuda/grouped/work.h"
#include "kernels/program/analysis.h"

namespace tegnas::cuda::grouped {

// What a kernel does with a task, and when it may. Half a cache line: planning comes back to each
// step several times, in an order of its own.
struct Step {
  int32_t waits;                // followings of others that it is in
  int32_t ahead;                // steps of the longest chain behind it
  int32_t follower, followers;  // the steps that wait for it: where they begin, how many
  int32_t task;                 // among those of the program
  Work work;
};
static_assert(sizeof(Step) == 32);

// The steps of a sweep, in an order in which they could run one after the other. A task that is
// part of a sum has no step of its own forward.
struct Steps {
  std::vector<Step> list;
  std::vector<int32_t> followers;  // of one step after the other

  int64_t size() const { return static_cast<int64_t>(list.size()); }
};

// What is known of a program besides its tasks.
struct Sizes {
  View logits;
  // Numbers per image of the values, and of the gradients (times seeds).
  int64_t value_size = 0, gradient_size = 0;
  int64_t norm_channels = 0;
  int64_t largest = 0;                  // numbers per image of the largest value
  int64_t row_warps = 0;                // most warps of a step that makes rows, per block of images
  int64_t searched_rows = 0, rows = 0;  // those of searched weights come first
  int32_t words = 0;                    // regions: 32-bit words of a pattern
};

// A program but for its tasks: all that planning launches takes.
struct Outline : Sizes {
  Steps forward, backward;

  int64_t size() const { return forward.size() + backward.size(); }
};

struct Tasks : Outline {
  std::vector<Task> list;
};

// Where the gradient of a node lies, and the node that it was made for.
struct Gradient {
  GradientView view;
  int32_t node = -1;  // -1: not known yet
};

// What is needed while a program is written, kept for the next one: programs are many and small,
// and asking for memory would take as long as writing them.
struct Scratch {
  tegnas::engine::AnalysisScratch analysis_scratch;
  tegnas::engine::Analysis analysis;
  Waits waits;
  std::vector<Place> places;        // by buffer of the analysis
  std::vector<int32_t> channels;    // by norm: the first of its coefficients
  std::vector<Gradient> gradients;  // by node
};

// Throws std::invalid_argument where a kernel is asked for and the program has no logits, or where
// positions in its values are more than 32 bits count.
Tasks emit_tasks(const tegnas::engine::Program& program, tegnas::engine::Purpose purpose);

// The same in place of other tasks, whose memory is used again.
void emit_tasks(const tegnas::engine::Program& program, tegnas::engine::Purpose purpose,
                Scratch& scratch, Tasks& tasks);

// The tasks of all programs are numbered one after the other. Where each program's begin, and at
// the end how many there are.
std::vector<int64_t> number_tasks(const std::vector<Tasks>& programs);

// Adds the backward sweep of the forward one that was written last with this scratch.
void emit_backward(const tegnas::engine::Program& program, Scratch& scratch, Tasks& tasks);

// Forgets the steps of another program.
void clear(Steps& steps);

// Adds what is done with a task as one of its kinds.
inline void add_step(Steps& steps, const Task& task, int32_t number, Kind kind) {
  steps.list.push_back({0, 0, 0, 0, number, work_of(task, kind)});
}

// Which of the steps waits for which.
void set_order(const std::vector<Waits::Edge>& edges, Steps& steps);

}  // namespace tegnas::cuda::grouped
