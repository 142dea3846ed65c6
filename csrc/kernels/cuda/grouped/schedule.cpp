#include "kernels/cuda/grouped/schedule.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "kernels/cuda/grouped/launches.h"

namespace tegnas::cuda::grouped {
namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 1;

// Fewer steps are planned before another thread has woken up.
constexpr size_t kWorthTwo = 2000;

// Of more steps the memory isn't kept.
constexpr size_t kMostKept = size_t{1} << 18;

void check_size(const Sizes& program, const Extent& extent) {
  // Threads are counted in 32 bits, those of the last block too.
  constexpr int64_t kMostThreads = kMost - kThreads * kPieces;
  // The limits of programs (program/program.h) keep these products below 2^63.
  if (program.largest * extent.images > kMostThreads ||
      program.row_warps * image_blocks(extent) > kMostThreads) {
    throw std::invalid_argument(
        "a value of the program, or its weights, have 2^31 numbers or more; give fewer images.");
  }
}

class Scheduler {
 public:
  explicit Scheduler(const std::vector<Passage>& passages) {
    std::unordered_map<const Outline*, size_t> known;
    for (size_t unit = 0; unit < passages.size(); ++unit) {
      const Passage& passage = passages[unit];
      const auto [found, is_new] = known.insert({passage.tasks, programs_.size()});
      if (is_new) programs_.push_back({passage.tasks, passage.first_task, {}});
      std::vector<Run>& runs = programs_[found->second].runs;
      if (!runs.empty() && runs.back().unit + runs.back().units == static_cast<int32_t>(unit) &&
          runs.back().extent == passage.extent) {
        ++runs.back().units;
      } else if (passage.extent.images > 0) {
        check_size(*passage.tasks, passage.extent);
        runs.push_back({static_cast<int32_t>(unit), 1, passage.extent});
      }
    }
  }

  // The sweeps are planned beside each other.
  Kept<Schedule> make(const ParallelFor& parallel_for) const {
    Kept<Schedule> schedule;
    size_t steps = 0;
    for (const Program& program : programs_) steps += program.tasks->size();
    const ParallelFor& loop = steps < kWorthTwo ? serial_for : parallel_for;
    loop(2, [&](int64_t begin, int64_t end) {
      if (begin == 0) plan(&Outline::forward, schedule->forward);
      if (end == 2) plan(&Outline::backward, schedule->backward);
    });
    if (steps > kMostKept) schedule.forget();
    return schedule;
  }

 private:
  // Passages that are neighbours and of one extent.
  struct Run {
    int32_t unit, units;
    Extent extent;
  };

  struct Program {
    const Outline* tasks;
    int64_t first_task;
    std::vector<Run> runs;
  };

  void plan(Steps Outline::* steps, Launches& launches) const {
    launches.entries.clear();
    launches.groups.clear();
    std::vector<const Steps*> sweeps;
    sweeps.reserve(programs_.size());
    size_t entries = 0;
    for (const Program& program : programs_) {
      sweeps.push_back(&(program.tasks->*steps));
      entries += sweeps.back()->list.size() * program.runs.size();
    }
    launches.entries.reserve(entries);
    const bool forward = steps == &Outline::forward;
    plan_launches(sweeps, [&](const Launch& launch) {
      Group group{launch.kernel, static_cast<int64_t>(launches.entries.size()), 0, 0, 0};
      for (const Member& member : launch.members) {
        const Program& program = programs_[member.program];
        const Step& step = sweeps[member.program]->list[member.step];
        const int64_t number = program.first_task + step.task;
        for (const Run& run : program.runs) {
          add(launches.entries, group, step.work, number, forward, run);
        }
      }
      if (group.blocks > 0) launches.groups.push_back(group);
    });
  }

  static void add(std::vector<Entry>& entries, Group& group, const Work& work, int64_t number,
                  bool forward, const Run& run) {
    Extent extent = run.extent;
    if (forward) extent.seeds = 1;
    const int64_t seed_blocks = blocks_of_seed(work, extent);
    const int64_t unit_blocks = seed_blocks * extent.seeds;
    if (unit_blocks == 0) return;
    if (unit_blocks > kMost || unit_blocks * run.units > kMost - group.blocks) {
      throw std::invalid_argument("too many networks for one launch; give fewer at once.");
    }
    entries.push_back({static_cast<int32_t>(number), run.unit, run.units,
                       static_cast<int32_t>(group.blocks), static_cast<int32_t>(unit_blocks),
                       static_cast<int32_t>(seed_blocks)});
    ++group.entries;
    group.tasks += run.units;
    group.blocks += unit_blocks * run.units;
  }

  std::vector<Program> programs_;
};

}  // namespace

Kept<Schedule> make_schedule(const std::vector<Passage>& passages,
                             const ParallelFor& parallel_for) {
  return Scheduler(passages).make(parallel_for);
}

}  // namespace tegnas::cuda::grouped
