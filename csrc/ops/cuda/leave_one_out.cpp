// leave_one_out on CUDA, up to 128 images; tegnas.ops takes cuSOLVER for more.

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"
#include "ops/refusing.h"

namespace tegnas::on_cuda {

void leave_one_out(const Tensor& kernels, const Tensor& inflations, const Tensor& errors) {
  const int64_t n = kernels.size(-1);
  TEGNAS_CHECK_VALUE(n <= cuda::kMostLeaveOneOutRows, "leave_one_out: kernels of at most ",
                     cuda::kMostLeaveOneOutRows, " images on CUDA, got ", n, ".");
  const OnDeviceOf device(kernels);
  cuda::launch_leave_one_out(device.stream(), kernels.const_data_ptr<double>(), errors.numel(), n,
                             inflations.mutable_data_ptr<double>(),
                             errors.mutable_data_ptr<double>());
}

}  // namespace tegnas::on_cuda
