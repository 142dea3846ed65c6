#include "kernels/grouped/plan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tegnas::grouped {
namespace {

constexpr int kKernels = static_cast<int>(Kernel::count);

class Planner {
 public:
  explicit Planner(const std::vector<const Steps*>& sweeps) : sweeps_(sweeps) {
    size_t tasks = 0;
    for (const Steps* sweep : sweeps) tasks += sweep->order.size();
    waiting_.reserve(tasks);
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
    first_.push_back(waiting_.size());
    int32_t step = 0;
    for (const Order& order : sweeps_[program]->order) {
      waiting_.push_back(order.waits);
      if (order.waits == 0) make_ready({program, step});
      ++step;
    }
  }

  void make_ready(const Member& member) {
    const Order& order = sweeps_[member.program]->order[member.step];
    Ready& ready = ready_[static_cast<int>(order.kernel)];
    ready.members.push_back(member);
    ready.ahead = std::max(ready.ahead, order.ahead);
  }

  void finish(const Member& member) {
    const Steps& sweep = *sweeps_[member.program];
    const Order& order = sweep.order[member.step];
    int32_t* waiting = waiting_.data() + first_[member.program];
    for (int32_t f = order.follower; f < order.follower + order.followers; ++f) {
      const int32_t next = sweep.followers[f];
      if (--waiting[next] == 0) make_ready({member.program, next});
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

  const std::vector<const Steps*>& sweeps_;
  std::vector<int32_t> waiting_;  // what each task of each program still waits for
  std::vector<size_t> first_;     // of each program, where its tasks begin there
  std::array<Ready, kKernels> ready_;
};

}  // namespace

const char* kernel_name(Kernel kernel) {
  constexpr const char* names[] = {"element-wise", "convolution",     "statistics",
                                   "signs",        "element-wise ∂x", "convolution ∂x",
                                   "norm sums",    "convolution ∂w",  "other ∂w"};
  return names[static_cast<int>(kernel)];
}

std::vector<Launch> plan_launches(const std::vector<const Steps*>& sweeps) {
  return Planner(sweeps).plan();
}

}  // namespace tegnas::grouped
