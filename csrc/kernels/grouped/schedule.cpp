#include "kernels/grouped/schedule.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "kernels/grouped/plan.h"

namespace tegnas::grouped {
namespace {

constexpr int64_t kMost = (int64_t{1} << 31) - 1;

void check_size(const Task& task, const Extent& extent) {
  const int64_t largest = std::max(task.in.place.size(), task.out.size());
  if (extent.images > 0 && largest > kMost / extent.images) {
    throw std::invalid_argument(
        "a value of the program has 2^31 numbers or more; give fewer images.");
  }
}

class Scheduler {
 public:
  Scheduler(const std::vector<Passage>& passages, int64_t width)
      : passages_(passages), width_(width) {
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
      Group group{launch.kernel, first, 0, 0, {}};
      for (const Member& member : launch.members) {
        const Program& program = programs_[member.program];
        for (int32_t unit : program.units) {
          Extent extent = passages_[unit].extent;
          if (forward) extent.seeds = 1;
          const int64_t before = forward ? 0 : program.tasks->forward.size();
          add(group, *sweeps[member.program], member.step,
              passages_[unit].first_task + before + member.step, unit, extent);
        }
      }
      if (group.blocks > 0) groups.push_back(group);
    }
  }

  void add(Group& group, const std::vector<Step>& sweep, int32_t step, int64_t task, int32_t unit,
           const Extent& extent) {
    const Task& head = sweep[step].task;
    check_size(head, extent);
    const int64_t blocks = blocks_of(head, extent);
    if (blocks == 0) return;
    if (group.blocks + blocks > kMost) {
      throw std::invalid_argument("too many networks for one launch; give fewer at once.");
    }
    schedule_.entries.push_back({static_cast<int32_t>(task), unit,
                                 static_cast<int32_t>(group.blocks),
                                 static_cast<int32_t>(blocks / extent.seeds)});
    ++group.entries;
    group.blocks += blocks;
    for (int32_t part = 0; part < std::max(1, head.parts); ++part) {
      const Cost cost = cost_of(sweep[step + part].task, extent, width_);
      group.cost.bytes += cost.bytes;
      group.cost.flops += cost.flops;
    }
  }

  const std::vector<Passage>& passages_;
  const int64_t width_;
  std::vector<Program> programs_;
  Schedule schedule_;
};

}  // namespace

Schedule make_schedule(const std::vector<Passage>& passages, int64_t width) {
  return Scheduler(passages, width).make();
}

}  // namespace tegnas::grouped
