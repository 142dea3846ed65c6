// ntk_gram on CUDA.

#include <torch/library.h>

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/gram_problem.h"
#include "ops/refusing.h"

namespace tegnas {
namespace {

at::Tensor ntk_gram(at::TensorList inputs, at::TensorList grads, at::TensorList other_inputs,
                    at::TensorList other_grads, at::IntArrayRef geometry) {
  const auto problem = refusing(
      "ntk_gram", [&] { return gram_problem(inputs, grads, other_inputs, other_grads, geometry); });
  for (const at::TensorList& list : {inputs, grads, other_inputs, other_grads}) {
    for (const at::Tensor& tensor : list) check_same_device("ntk_gram", tensor, inputs[0]);
  }
  const OnDeviceOf device(inputs[0]);
  at::Tensor out = refusing("ntk_gram", [&] { return empty_gram(problem, inputs[0]); });
  if (out.numel() == 0) return out;
  const auto plan = cuda::gram::make_plan(problem);
  const at::Tensor memory = workspace(plan.workspace(), inputs[0]);
  cuda::launch_ntk_gram(device.stream(), problem, plan, memory.mutable_data_ptr(),
                        out.mutable_data_ptr<double>());
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(tegnas, CUDA, m) { m.impl("ntk_gram", &ntk_gram); }

}  // namespace tegnas
