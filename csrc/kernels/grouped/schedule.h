// Which tasks of which networks run together: one launch per level and kind.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/grouped/emit.h"
#include "kernels/grouped/work.h"

namespace tegnas::grouped {

// A network on its way through a batch of images.
struct Passage {
  const Tasks* tasks;
  int64_t first_task;  // of its program, among the tasks of all programs
  Extent extent;
};

// One task of one passage; its blocks begin at `first_block` of the launch.
struct Entry {
  int32_t task, unit, first_block;
};

struct Group {
  Kind kind;
  int32_t level;
  int64_t first_entry, entries, blocks;
  Cost cost;
};

struct Schedule {
  std::vector<Entry> entries;
  std::vector<Group> forward, backward;
};

// `width`: bytes of a number, for the cost. Forward tasks are numbered first_task + k in their
// order, the backward ones follow. Throws std::invalid_argument where a value of a batch or the
// blocks of a launch are more than 32 bits count.
Schedule make_schedule(const std::vector<Passage>& passages, int64_t width);

}  // namespace tegnas::grouped
