// What both entry points of the engine do with their arguments.
#pragma once

#include <stdexcept>
#include <vector>

#include "kernels/cpu/engine/engine.h"

namespace tegnas::cpu {

template <typename T>
const EngineKernels<T>& engine_of(const Kernels& kernels) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return *kernels.engine_f32;
  } else {
    return *kernels.engine_f64;
  }
}

template <typename Job>
void check_inputs(const std::vector<Job>& jobs) {
  for (const Job& job : jobs) {
    if (!(job.program->shapes[0] == jobs[0].program->shapes[0])) {
      throw std::invalid_argument("all programs of one call must read images of one shape.");
    }
  }
}

}  // namespace tegnas::cpu
