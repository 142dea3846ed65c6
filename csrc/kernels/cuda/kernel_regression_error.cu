#include "kernels/cuda/kernel_regression_error.cuh"
#include "kernels/cuda/launch.h"

namespace tegnas::cuda {

static_assert(kMostRegressionRows == regression::kMostRows);

void launch_kernel_regression_error(cudaStream_t stream, const Regression& problem,
                                    double* errors) {
  kernel_regression_error(
      Stream(stream),
      {problem.k_xx, problem.k_yx, problem.tx, problem.ty, static_cast<int>(problem.n),
       static_cast<int>(problem.m), static_cast<int>(problem.classes), problem.ridge},
      problem.batch, errors);
}

}  // namespace tegnas::cuda
