#include "kernels/grouped/plan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tegnas::grouped {
namespace {

constexpr int kKernels = static_cast<int>(Kernel::count);

// The tasks of one program, of which some are done.
struct Progress {
  std::vector<int32_t> waiting;                // tasks that each still waits for
  std::vector<std::vector<int32_t>> followed;  // tasks that wait for it
  std::vector<int32_t> ahead;                  // tasks of the longest chain behind it
};

class Planner {
 public:
  explicit Planner(const std::vector<const std::vector<Step>*>& sweeps) : sweeps_(sweeps) {
    for (size_t p = 0; p < sweeps.size(); ++p) start(static_cast<int32_t>(p));
  }

  std::vector<Launch> plan() {
    std::vector<Launch> launches;
    for (int next = choose(); next >= 0; next = choose()) {
      launches.push_back({static_cast<Kernel>(next), std::move(ready_[next].members)});
      ready_[next] = {};
      for (const Member& member : launches.back().members) finish(member);
    }
    return launches;
  }

 private:
  // Tasks of a kernel that wait for nothing, and the longest chain behind any of them.
  struct Ready {
    std::vector<Member> members;
    int32_t ahead = 0;
  };

  void start(int32_t program) {
    const std::vector<Step>& sweep = *sweeps_[program];
    Progress progress{std::vector<int32_t>(sweep.size()),
                      std::vector<std::vector<int32_t>>(sweep.size()),
                      std::vector<int32_t>(sweep.size())};
    for (auto step = static_cast<int32_t>(sweep.size()); step-- > 0;) {
      progress.waiting[step] = static_cast<int32_t>(sweep[step].after.size());
      for (int32_t earlier : sweep[step].after) {
        progress.followed[earlier].push_back(step);
        progress.ahead[earlier] = std::max(progress.ahead[earlier], progress.ahead[step] + 1);
      }
    }
    programs_.push_back(std::move(progress));
    for (int32_t step = 0; step < static_cast<int32_t>(sweep.size()); ++step) {
      // The parts of a sum run with its first.
      if (sweep[step].task.parts > 0 && sweep[step].after.empty()) make_ready({program, step});
    }
  }

  void make_ready(const Member& member) {
    const Kind kind = (*sweeps_[member.program])[member.step].task.kind;
    Ready& ready = ready_[static_cast<int>(kernel_of(kind))];
    ready.members.push_back(member);
    ready.ahead = std::max(ready.ahead, programs_[member.program].ahead[member.step]);
  }

  void finish(const Member& member) {
    Progress& progress = programs_[member.program];
    for (int32_t next : progress.followed[member.step]) {
      if (--progress.waiting[next] == 0) make_ready({member.program, next});
    }
  }

  // The kernel with the longest chain behind it, so that the deepest network never waits and the
  // others run beside it. Tasks that nothing waits for come last, all in one launch.
  int choose() const {
    int best = -1;
    for (int k = 0; k < kKernels; ++k) {
      if (ready_[k].members.empty()) continue;
      if (best < 0 || ready_[k].ahead > ready_[best].ahead) best = k;
    }
    return best;
  }

  const std::vector<const std::vector<Step>*>& sweeps_;
  std::vector<Progress> programs_;
  std::array<Ready, kKernels> ready_;
};

}  // namespace

const char* kernel_name(Kernel kernel) {
  constexpr const char* names[] = {"element-wise", "convolution",     "statistics",
                                   "signs",        "element-wise ∂x", "convolution ∂x",
                                   "norm sums",    "convolution ∂w",  "other ∂w"};
  return names[static_cast<int>(kernel)];
}

std::vector<Launch> plan_launches(const std::vector<const std::vector<Step>*>& sweeps) {
  return Planner(sweeps).plan();
}

}  // namespace tegnas::grouped
