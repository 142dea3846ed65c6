#include "kernels/cuda/launch.h"
#include "kernels/cuda/pattern_rank.cuh"

namespace tegnas::cuda {

void launch_pattern_rank(cudaStream_t stream, const double* distances, int64_t batch, int64_t n,
                         double* ranks) {
  pattern_rank(Stream(stream), distances, batch, static_cast<int>(n), ranks);
}

}  // namespace tegnas::cuda
