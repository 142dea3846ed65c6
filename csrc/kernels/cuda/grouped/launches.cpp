#include "kernels/cuda/grouped/launches.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tegnas::cuda::grouped {
namespace {

class Planner {
 public:
  explicit Planner(const std::vector<const Steps*>& sweeps) {
    size_t tasks = 0;
    for (const Steps* sweep : sweeps) tasks += sweep->order.size();
    nodes_.reserve(tasks);
    for (const Steps* sweep : sweeps) start(*sweep);
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
  // A task on its way, in a few bytes: it is come back to for every task that it waits for.
  struct Node {
    int32_t waiting;  // for so many others still
    int32_t ahead, follower, followers;
    Kernel kernel;
  };

  // Tasks of a kernel that wait for nothing, and the longest chain behind any of them.
  struct Ready {
    std::vector<Member> members;
    int32_t ahead = 0;
  };

  void start(const Steps& sweep) {
    const auto program = static_cast<int32_t>(first_.size());
    first_.push_back(nodes_.size());
    followers_.push_back(sweep.followers.data());
    int32_t step = 0;
    for (const Order& order : sweep.order) {
      nodes_.push_back({order.waits, order.ahead, order.follower, order.followers, order.kernel});
      if (order.waits == 0) make_ready({program, step}, nodes_.back());
      ++step;
    }
  }

  void make_ready(const Member& member, const Node& node) {
    Ready& ready = ready_[static_cast<int>(node.kernel)];
    ready.members.push_back(member);
    ready.ahead = std::max(ready.ahead, node.ahead);
  }

  void finish(const Member& member) {
    Node* const nodes = nodes_.data() + first_[member.program];
    const int32_t* next = followers_[member.program] + nodes[member.step].follower;
    const int32_t* const end = next + nodes[member.step].followers;
    for (; next != end; ++next) {
      Node& node = nodes[*next];
      if (--node.waiting == 0) make_ready({member.program, *next}, node);
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

  std::vector<Node> nodes_;                // of all programs
  std::vector<size_t> first_;              // of each program, where its nodes begin
  std::vector<const int32_t*> followers_;  // of each program, by step
  std::array<Ready, kKernels> ready_;
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

std::vector<Launch> plan_launches(const std::vector<const Steps*>& sweeps) {
  return Planner(sweeps).plan();
}

}  // namespace tegnas::cuda::grouped
