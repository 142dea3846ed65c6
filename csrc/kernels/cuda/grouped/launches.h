// In which order the kernels run over the tasks of many programs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/cuda/grouped/emit.h"

namespace tegnas::cuda::grouped {

// A step of a program, by its place in the sweep.
struct Member {
  int32_t program, step;
};

// Steps that wait for none of each other.
struct Launch {
  Kernel kernel;
  std::vector<Member> members;
};

// Calls visit(launch) for the launches of one sweep of every program, in order; every step is in
// one of them. A launch is there until the next one.
void plan_launches(const std::vector<const Steps*>& sweeps,
                   const std::function<void(const Launch&)>& visit);

}  // namespace tegnas::cuda::grouped
