#include "kernels/cuda/grouped/launches.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/kept.h"

namespace tegnas::cuda::grouped {
namespace {

// How many steps before its turn the memory of one is asked for.
constexpr size_t kAhead = 8;

// Of more steps the memory isn't kept.
constexpr size_t kMostKept = size_t{1} << 18;

class Planner {
 public:
  explicit Planner(const std::vector<const Steps*>& sweeps) {
    waiting_.clear();
    programs_.reserve(sweeps.size());
    for (Ready& ready : ready_) {
      ready.members.clear();
      ready.ahead = 0;
    }
    size_t steps = 0;
    for (const Steps* sweep : sweeps) steps += sweep->list.size();
    waiting_.reserve(steps);
    if (steps > kMostKept) kept_.forget();
    for (const Steps* sweep : sweeps) start(*sweep);
  }

  void plan(const std::function<void(const Launch&)>& visit) {
    Launch& launch = kept_->launch;
    for (int next = choose(); next >= 0; next = choose()) {
      launch.kernel = static_cast<Kernel>(next);
      launch.members.clear();
      std::swap(launch.members, ready_[next].members);
      ready_[next].ahead = 0;
      for (size_t m = 0; m < launch.members.size(); ++m) {
        if (m + kAhead < launch.members.size()) prefetch(launch.members[m + kAhead]);
        finish(launch.members[m]);
      }
      visit(launch);
    }
  }

 private:
  struct Program {
    const Step* steps;
    const int32_t* followers;
    size_t first;  // in `waiting_`
  };

  // Steps of a kernel that wait for nothing, and the longest chain behind any of them.
  struct Ready {
    std::vector<Member> members;
    int32_t ahead = 0;
  };

  void start(const Steps& sweep) {
    const auto program = static_cast<int32_t>(programs_.size());
    programs_.push_back({sweep.list.data(), sweep.followers.data(), waiting_.size()});
    int32_t number = 0;
    for (const Step& step : sweep.list) {
      waiting_.push_back(step.waits);
      if (step.waits == 0) make_ready({program, number}, step);
      ++number;
    }
  }

  void make_ready(const Member& member, const Step& step) {
    Ready& ready = ready_[static_cast<int>(step.work.kernel)];
    ready.members.push_back(member);
    ready.ahead = std::max(ready.ahead, step.ahead);
  }

  // Steps lie wherever their programs do, and those that wait for one mostly right behind it.
  void prefetch(const Member& member) const {
    const Step* const step = programs_[member.program].steps + member.step;
    __builtin_prefetch(step);
    __builtin_prefetch(step + 2);
  }

  void finish(const Member& member) {
    const Program& program = programs_[member.program];
    const Step& done = program.steps[member.step];
    int32_t* const waiting = waiting_.data() + program.first;
    const int32_t* next = program.followers + done.follower;
    for (const int32_t* const end = next + done.followers; next != end; ++next) {
      if (--waiting[*next] == 0) make_ready({member.program, *next}, program.steps[*next]);
    }
  }

  // The kernel with the longest chain behind it, so that the deepest network never waits and the
  // others run beside it. Steps that nothing waits for come last, all in one launch.
  int choose() const {
    int best = -1;
    for (int k = 0; k < kKernels; ++k) {
      if (ready_[k].members.empty()) continue;
      if (best < 0 || ready_[k].ahead > ready_[best].ahead) best = k;
    }
    return best;
  }

  struct Memory {
    std::vector<int32_t> waiting;
    std::array<Ready, kKernels> ready;
    Launch launch;
  };

  Kept<Memory> kept_;
  std::vector<int32_t>& waiting_ = kept_->waiting;  // of each step: for so many others still
  std::array<Ready, kKernels>& ready_ = kept_->ready;
  std::vector<Program> programs_;
};

}  // namespace

const char* kernel_name(Kernel kernel) {
  switch (kernel) {
    case Kernel::elementwise:
      return "element-wise";
    case Kernel::gates:
      return "products, functions";
    case Kernel::conv:
      return "convolution";
    case Kernel::statistics:
      return "statistics";
    case Kernel::signs:
      return "signs";
    case Kernel::elementwise_grad:
      return "element-wise ∂x";
    case Kernel::conv_grad:
      return "convolution ∂x";
    case Kernel::norm_sums:
      return "norm sums";
    case Kernel::conv_rows:
      return "convolution ∂w";
    case Kernel::rows:
      return "other ∂w";
    case Kernel::none:
      break;
  }
  return "none";
}

void plan_launches(const std::vector<const Steps*>& sweeps,
                   const std::function<void(const Launch&)>& visit) {
  Planner(sweeps).plan(visit);
}

}  // namespace tegnas::cuda::grouped
