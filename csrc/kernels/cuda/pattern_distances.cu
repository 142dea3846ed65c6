#include "kernels/cuda/launch.h"
#include "kernels/cuda/pattern_distances.cuh"

namespace tegnas::cuda {

static_assert(kMostDistanceRows == kMostInGrid * distances::kSide);

void launch_pattern_distances(cudaStream_t stream, const int64_t* data, int64_t networks,
                              int64_t inputs, int64_t words, int64_t* distances) {
  pattern_distances(Stream(stream), {reinterpret_cast<const uint64_t*>(data), inputs, words},
                    networks, distances);
}

}  // namespace tegnas::cuda
