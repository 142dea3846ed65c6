// The plans of the programs of a call.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "kernels/cpu/plan/plan.h"

namespace tegnas::cpu {

// Gives every thread that works on a program at the same time the same plan, which the first of
// them makes; gone when the last of them lets go of it.
class Plans {
 public:
  Plans(engine::Purpose purpose, bool repeated, bool patterns)
      : purpose_(purpose), repeated_(repeated), patterns_(patterns) {}

  std::shared_ptr<const engine::Plan> of(const engine::Program& program) {
    Shared& shared = shared_of(&program);
    const std::lock_guard<std::mutex> lock(shared.mutex);
    std::shared_ptr<const engine::Plan> plan = shared.plan.lock();
    if (plan == nullptr) {
      plan = engine::make_plan(program, purpose_, repeated_, patterns_);
      shared.plan = plan;
    }
    return plan;
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::weak_ptr<const engine::Plan> plan;
  };

  Shared& shared_of(const engine::Program* program) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return programs_[program];
  }

  engine::Purpose purpose_;
  bool repeated_, patterns_;
  std::mutex mutex_;
  std::map<const engine::Program*, Shared> programs_;
};

}  // namespace tegnas::cpu
