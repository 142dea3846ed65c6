// pattern_rank on CUDA, up to 128 inputs; tegnas.ops takes cuSOLVER for more.

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"
#include "ops/refusing.h"

namespace tegnas::on_cuda {

void pattern_rank(const Tensor& distances, const Tensor& ranks) {
  const int64_t n = distances.size(-1);
  TEGNAS_CHECK_VALUE(n <= cuda::kMostEigRows, "pattern_rank: distances of at most ",
                     cuda::kMostEigRows, " inputs on CUDA, got ", n, ".");
  const OnDeviceOf device(distances);
  cuda::launch_pattern_rank(device.stream(), distances.const_data_ptr<double>(), ranks.numel(), n,
                            ranks.mutable_data_ptr<double>());
}

}  // namespace tegnas::on_cuda
