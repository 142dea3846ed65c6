#include "kernels/cuda/launch.h"
#include "kernels/cuda/pack_signs.cuh"

namespace tegnas::cuda {

template <typename T>
void launch_pack_signs(cudaStream_t stream, const T* activations, int64_t inputs, int64_t features,
                       int64_t first, bool last, int64_t words, int64_t* patterns) {
  pack_signs(Stream(stream), activations, inputs, features, first, last, 2 * words,
             reinterpret_cast<uint32_t*>(patterns));
}

template void launch_pack_signs(cudaStream_t, const float*, int64_t, int64_t, int64_t, bool,
                                int64_t, int64_t*);
template void launch_pack_signs(cudaStream_t, const double*, int64_t, int64_t, int64_t, bool,
                                int64_t, int64_t*);
template void launch_pack_signs(cudaStream_t, const uint8_t*, int64_t, int64_t, int64_t, bool,
                                int64_t, int64_t*);

}  // namespace tegnas::cuda
