// Which tasks of which networks run together.
//
// Launches are planned over all programs at once, as dynamic batching does (Neubig, Goldberg and
// Dyer 2017, "On-the-fly operation batching in dynamic computation graphs"): of the kernels that
// have tasks with nothing to wait for, one is chosen, and all these tasks are one launch.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/grouped/emit.h"
#include "kernels/cuda/grouped/work.h"
#include "kernels/kept.h"
#include "kernels/parallel.h"

namespace tegnas::cuda::grouped {

// A network on its way through a batch of images.
struct Passage {
  const Outline* tasks;
  int64_t first_task;  // of its program, among the tasks of all programs
  Extent extent;
};

// A step of several passages, which are neighbours and of one extent. Its blocks begin at
// `first_block` of the launch: those of one passage after those of another, and within a passage
// those of one seed after those of another.
struct Entry {
  int32_t task;
  int32_t unit, units;  // the first passage, and how many
  int32_t first_block, unit_blocks, seed_blocks;
};

// One launch.
struct Group {
  Kernel kernel;
  int64_t first_entry, entries, tasks, blocks;  // tasks: of every passage
};

// The launches of a sweep, in their order.
struct Launches {
  std::vector<Entry> entries;
  std::vector<Group> groups;
};

struct Schedule {
  Launches forward, backward;
};

// Throws std::invalid_argument where a value of a batch or the blocks of a launch are more than 32
// bits count.
Kept<Schedule> make_schedule(const std::vector<Passage>& passages, const ParallelFor& parallel_for);

}  // namespace tegnas::cuda::grouped
