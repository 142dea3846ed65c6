#include "kernels/grouped/schedule.h"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace tegnas::grouped {
namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 1;

struct Pending {
  std::vector<Entry> entries;
  int64_t blocks = 0;
  Cost cost;
};

using Pool = std::map<std::pair<int32_t, Kind>, Pending>;  // by level, then kind

void add(Pool& pool, const Step& step, int64_t task, int32_t unit, const Extent& extent,
         int64_t width) {
  const int64_t blocks = blocks_of(step.task, extent);
  if (blocks == 0) return;
  const int64_t largest = std::max(step.task.in.place.size(), step.task.out.size());
  if (largest > kMost / extent.images) {
    throw std::invalid_argument(
        "a value of the program has 2^31 numbers or more; give fewer images.");
  }
  Pending& pending = pool[{step.level, step.task.kind}];
  if (pending.blocks + blocks > kMost) {
    throw std::invalid_argument("too many networks for one launch; give fewer at once.");
  }
  pending.entries.push_back(
      {static_cast<int32_t>(task), unit, static_cast<int32_t>(pending.blocks)});
  pending.blocks += blocks;
  const Cost cost = cost_of(step.task, extent, width);
  pending.cost.bytes += cost.bytes;
  pending.cost.flops += cost.flops;
}

std::vector<Group> take(Pool& pool, std::vector<Entry>& entries) {
  std::vector<Group> groups;
  for (auto& [key, pending] : pool) {
    groups.push_back({key.second, key.first, static_cast<int64_t>(entries.size()),
                      static_cast<int64_t>(pending.entries.size()), pending.blocks, pending.cost});
    entries.insert(entries.end(), pending.entries.begin(), pending.entries.end());
  }
  return groups;
}

}  // namespace

Schedule make_schedule(const std::vector<Passage>& passages, int64_t width) {
  Pool forward, backward;
  for (size_t unit = 0; unit < passages.size(); ++unit) {
    const Passage& passage = passages[unit];
    Extent once = passage.extent;
    once.seeds = 1;
    int64_t task = passage.first_task;
    for (const Step& step : passage.tasks->forward) {
      add(forward, step, task++, static_cast<int32_t>(unit), once, width);
    }
    for (const Step& step : passage.tasks->backward) {
      add(backward, step, task++, static_cast<int32_t>(unit), passage.extent, width);
    }
  }
  Schedule schedule;
  schedule.forward = take(forward, schedule.entries);
  schedule.backward = take(backward, schedule.entries);
  return schedule;
}

}  // namespace tegnas::grouped
