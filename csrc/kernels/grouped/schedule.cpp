#include "kernels/grouped/schedule.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "kernels/grouped/plan.h"

namespace tegnas::grouped {
namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 1;

int64_t checked_blocks(const Task& task, const Extent& extent) {
  const int64_t largest = std::max(task.in.place.size(), task.out.size());
  if (extent.images > 0 && largest > kMost / extent.images) {
    throw std::invalid_argument(
        "a value of the program has 2^31 numbers or more; give fewer images.");
  }
  return blocks_of(task, extent);
}

class Scheduler {
 public:
  explicit Scheduler(const std::vector<Passage>& passages) : passages_(passages) {
    std::map<const Tasks*, size_t> known;
    for (size_t unit = 0; unit < passages.size(); ++unit) {
      const auto [found, is_new] = known.insert({passages[unit].tasks, programs_.size()});
      if (is_new) programs_.push_back({passages[unit].tasks, {}});
      programs_[found->second].units.push_back(static_cast<int32_t>(unit));
    }
  }

  Schedule make() {
    sweep(&Tasks::forward, schedule_.forward);
    sweep(&Tasks::backward, schedule_.backward);
    return std::move(schedule_);
  }

 private:
  struct Program {
    const Tasks* tasks;
    std::vector<int32_t> units;  // its passages
  };

  void sweep(std::vector<Step> Tasks::* steps, std::vector<Group>& groups) {
    std::vector<const std::vector<Step>*> sweeps;
    for (const Program& program : programs_) sweeps.push_back(&(program.tasks->*steps));
    const bool forward = steps == &Tasks::forward;
    for (const Launch& launch : plan_launches(sweeps)) {
      const auto first = static_cast<int64_t>(schedule_.entries.size());
      Group group{launch.kernel, first, 0, 0};
      for (const Member& member : launch.members) {
        const Program& program = programs_[member.program];
        const auto before = forward ? 0 : static_cast<int64_t>(program.tasks->forward.size());
        add(group, (*sweeps[member.program])[member.step].task, before + member.step, forward,
            program.units);
      }
      if (group.blocks > 0) groups.push_back(group);
    }
  }

  // The task of every unit; `place`: among the tasks of its program.
  void add(Group& group, const Task& task, int64_t place, bool forward,
           const std::vector<int32_t>& units) {
    Extent known;  // units of one batch share their extent
    int64_t blocks = 0;
    for (int32_t unit : units) {
      const Passage& passage = passages_[unit];
      Extent extent = passage.extent;
      if (forward) extent.seeds = 1;
      if (!(extent == known)) blocks = checked_blocks(task, extent);
      known = extent;
      if (blocks == 0) continue;
      if (group.blocks + blocks > kMost) {
        throw std::invalid_argument("too many networks for one launch; give fewer at once.");
      }
      schedule_.entries.push_back({static_cast<int32_t>(passage.first_task + place), unit,
                                   static_cast<int32_t>(group.blocks),
                                   static_cast<int32_t>(blocks / extent.seeds)});
      ++group.entries;
      group.blocks += blocks;
    }
  }

  const std::vector<Passage>& passages_;
  std::vector<Program> programs_;
  Schedule schedule_;
};

}  // namespace

Schedule make_schedule(const std::vector<Passage>& passages) { return Scheduler(passages).make(); }

}  // namespace tegnas::grouped
