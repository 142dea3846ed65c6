// torch's thread pool as the ParallelFor that kernels ask for.
#pragma once

#include <ATen/Parallel.h>

#include "kernels/parallel.h"

namespace tegnas {

inline void torch_parallel_for(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  at::parallel_for(0, count, /*grain_size=*/1, body);
}

}  // namespace tegnas
