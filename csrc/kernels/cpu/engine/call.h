// What both entry points of the engine do with their arguments.
#pragma once

#include <stdexcept>
#include <vector>

#include "kernels/cpu/engine/engine.h"

namespace tegnas::cpu {

// Images of so many pixels are small: a block of more of them is still in the cache when it is
// read again, and what is done once per row and channel counts more than the arithmetic.
constexpr int64_t kSmallImage = 256;

// Whether so many images fill blocks of so many: at most an eighth more than there are.
inline bool fill_blocks(int64_t images, int64_t lanes) {
  const int64_t padded = (images + lanes - 1) / lanes * lanes;
  return padded - images <= images / 8;
}

// The executor for a call. The same for any number of jobs and threads.
template <typename T>
const EngineKernels<T>& engine_of(const Kernels& kernels, const engine::Shape& image,
                                  int64_t images) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const bool wide =
        image.h * image.w <= kSmallImage && fill_blocks(images, kernels.engine_f32_wide->lanes);
    return wide ? *kernels.engine_f32_wide : *kernels.engine_f32;
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
