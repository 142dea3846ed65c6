// ntk_gram: Σ over layers of J_left J_rightᵀ from layer inputs and gradients at layer outputs.

#include "kernels/cpu/gram/ntk_gram.h"

#include <torch/library.h>

#include "ops/gram_problem.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

at::Tensor ntk_gram(at::TensorList inputs, at::TensorList grads, at::TensorList other_inputs,
                    at::TensorList other_grads, at::IntArrayRef geometry) {
  return refusing("ntk_gram", [&] {
    const auto problem = gram_problem(inputs, grads, other_inputs, other_grads, geometry);
    at::Tensor out = empty_gram(problem, inputs[0]);
    if (out.numel() > 0) {
      cpu::gram::ntk_gram(problem, torch_parallel_for, out.data_ptr<double>());
    }
    return out;
  });
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "ntk_gram(Tensor[] inputs, Tensor[] grads, Tensor[] other_inputs, Tensor[] other_grads, "
      "int[] geometry) -> Tensor");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) { m.impl("ntk_gram", &ntk_gram); }

}  // namespace tegnas
