#include "kernels/cuda/eig_condition.cuh"
#include "kernels/cuda/launch.h"

namespace tegnas::cuda {

static_assert(kMostEigRows == tridiagonal::kMostRows);

void launch_eig_condition(cudaStream_t stream, const double* matrices, int64_t batch, int64_t n,
                          double* smallest, double* largest, double* condition) {
  eig_condition(Stream(stream), matrices, batch, static_cast<int>(n), condition, largest, smallest);
}

}  // namespace tegnas::cuda
