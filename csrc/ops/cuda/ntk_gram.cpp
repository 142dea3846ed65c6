// ntk_gram on CUDA.

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"

namespace tegnas::on_cuda {

void ntk_gram(const cpu::gram::Problem& problem, const Tensor& out) {
  const OnDeviceOf device(out);
  const auto plan = cuda::gram::make_plan(problem);
  const Tensor memory = workspace(plan.workspace(), out);
  cuda::launch_ntk_gram(device.stream(), problem, plan, memory.mutable_data_ptr(),
                        out.mutable_data_ptr<double>());
}

}  // namespace tegnas::on_cuda
