// What both entry points of the engine do with their arguments.
#pragma once

#include <stdexcept>
#include <vector>

#include "kernels/cpu/engine/arena.h"
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

// The images of a batch in the layout of the executor, once for all jobs.
template <typename T>
class PackedImages {
 public:
  PackedImages(const EngineKernels<T>& kernels, const Images<T>& images, int64_t size)
      : count_(images.count) {
    const int64_t padded = (images.count + kernels.lanes - 1) / kernels.lanes * kernels.lanes;
    memory_.reset(Arena::rounded<T>(padded * size));
    T* packed = memory_.take<T>(padded * size);
    if (padded * size > 0) kernels.pack_images(images.data, images.count, size, packed);
    data_ = packed;
  }

  const T* data() const { return data_; }
  int64_t count() const { return count_; }

 private:
  Arena memory_;
  const T* data_;
  int64_t count_;
};

template <typename Job>
void check_inputs(const std::vector<Job>& jobs) {
  for (const Job& job : jobs) {
    if (!(job.program->shapes[0] == jobs[0].program->shapes[0])) {
      throw std::invalid_argument("all programs of one call must read images of one shape.");
    }
  }
}

}  // namespace tegnas::cpu
