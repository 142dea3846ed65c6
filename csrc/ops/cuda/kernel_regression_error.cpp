// kernel_regression_error on CUDA, up to 128 training images; tegnas.ops takes cuSOLVER for more.

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"
#include "ops/refusing.h"

namespace tegnas::on_cuda {

void kernel_regression_error(const Tensor& k_xx, const Tensor& k_yx, const Tensor& targets_x,
                             const Tensor& targets_y, double ridge, const Tensor& errors) {
  const int64_t n = k_xx.size(-1);
  TEGNAS_CHECK_VALUE(n <= cuda::kMostRegressionRows, "kernel_regression_error: at most ",
                     cuda::kMostRegressionRows, " training images on CUDA, got ", n, ".");
  const OnDeviceOf device(k_xx);
  cuda::launch_kernel_regression_error(
      device.stream(),
      {k_xx.const_data_ptr<double>(), k_yx.const_data_ptr<double>(),
       targets_x.const_data_ptr<double>(), targets_y.const_data_ptr<double>(), errors.numel(), n,
       k_yx.size(-2), targets_x.size(1), ridge},
      errors.mutable_data_ptr<double>());
}

}  // namespace tegnas::on_cuda
