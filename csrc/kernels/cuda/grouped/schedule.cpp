#include "kernels/cuda/grouped/schedule.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "kernels/cuda/grouped/launches.h"

namespace tegnas::cuda::grouped {
namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 1;

// Of one seed.
int64_t checked_blocks(const Work& work, const Extent& extent) {
  if (extent.images == 0) return 0;
  // Threads are counted in 32 bits, those of the last block too.
  constexpr int64_t kMostThreads = kMost - kThreads * kPieces;
  const bool rows = work.unit == Work::Unit::warp;
  // The limits of programs (program/program.h) keep these products below 2^63.
  if (int64_t{work.largest} * extent.images > kMostThreads ||
      (rows && int64_t{work.units} * image_blocks(extent) > kMostThreads)) {
    throw std::invalid_argument(
        "a value of the program, or its weights, have 2^31 numbers or more; give fewer images.");
  }
  return blocks_of_seed(work, extent);
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
      } else {
        runs.push_back({static_cast<int32_t>(unit), 1, passage.extent});
      }
    }
  }

  Schedule make() {
    size_t entries = 0;
    for (const Program& program : programs_) {
      entries += program.tasks->size() * program.runs.size();
    }
    schedule_.entries.reserve(entries);
    sweep(&Outline::forward, schedule_.forward);
    sweep(&Outline::backward, schedule_.backward);
    return std::move(schedule_);
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

  void sweep(Steps Outline::* steps, std::vector<Group>& groups) {
    std::vector<const Steps*> sweeps;
    for (const Program& program : programs_) sweeps.push_back(&(program.tasks->*steps));
    const bool forward = steps == &Outline::forward;
    plan_launches(sweeps, [&](const Launch& launch) {
      Group group{launch.kernel, static_cast<int64_t>(schedule_.entries.size()), 0, 0, 0};
      for (const Member& member : launch.members) {
        const Program& program = programs_[member.program];
        const int64_t before = forward ? 0 : program.tasks->forward.size();
        const Work& work = sweeps[member.program]->order[member.step].work;
        const int64_t number = program.first_task + before + member.step;
        for (const Run& run : program.runs) add(group, work, number, forward, run);
      }
      if (group.blocks > 0) groups.push_back(group);
    });
  }

  void add(Group& group, const Work& work, int64_t number, bool forward, const Run& run) {
    Extent extent = run.extent;
    if (forward) extent.seeds = 1;
    const int64_t seed_blocks = checked_blocks(work, extent);
    const int64_t unit_blocks = seed_blocks * extent.seeds;
    if (unit_blocks == 0) return;
    if (unit_blocks > kMost || unit_blocks * run.units > kMost - group.blocks) {
      throw std::invalid_argument("too many networks for one launch; give fewer at once.");
    }
    schedule_.entries.push_back(
        {static_cast<int32_t>(number), run.unit, run.units, static_cast<int32_t>(group.blocks),
         static_cast<int32_t>(unit_blocks), static_cast<int32_t>(seed_blocks)});
    ++group.entries;
    group.tasks += run.units;
    group.blocks += unit_blocks * run.units;
  }

  std::vector<Program> programs_;
  Schedule schedule_;
};

}  // namespace

Schedule make_schedule(const std::vector<Passage>& passages) { return Scheduler(passages).make(); }

}  // namespace tegnas::cuda::grouped
