#include "kernels/cuda/gram/ntk_gram.cuh"
#include "kernels/cuda/launch.h"

namespace tegnas::cuda {

void launch_ntk_gram(cudaStream_t stream, const gram::Problem& problem, const gram::Plan& plan,
                     void* workspace, double* out) {
  gram::ntk_gram(Stream(stream), problem, plan, workspace, out);
}

}  // namespace tegnas::cuda
