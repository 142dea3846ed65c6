// eig_condition on CUDA, up to 128 rows; tegnas.ops takes cuSOLVER for more.

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"
#include "ops/refusing.h"

namespace tegnas::on_cuda {

void eig_condition(const Tensor& matrices, double* smallest, double* largest, double* condition) {
  const int64_t n = matrices.size(-1);
  TEGNAS_CHECK_VALUE(n <= cuda::kMostEigRows, "eig_condition: matrices of at most ",
                     cuda::kMostEigRows, " rows on CUDA, got ", n, ".");
  const OnDeviceOf device(matrices);
  cuda::launch_eig_condition(device.stream(), matrices.const_data_ptr<double>(),
                             matrices.numel() / (n * n), n, smallest, largest, condition);
}

}  // namespace tegnas::on_cuda
