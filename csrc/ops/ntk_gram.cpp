// ntk_gram: Σ over layers of J_left J_rightᵀ from layer inputs and gradients at layer outputs.

#include "kernels/cpu/gram/ntk_gram.h"

#include "ops/gram_problem.h"
#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

Tensor ntk_gram(const Tensors& inputs, const Tensors& grads, const Tensors& other_inputs,
                const Tensors& other_grads, const std::vector<int64_t>& geometry) {
  return refusing("ntk_gram", [&] {
    const auto problem = gram_problem(inputs, grads, other_inputs, other_grads, geometry);
    const Tensor out = empty_gram(problem, inputs[0]);
    if (out.numel() == 0) return out;
    TEGNAS_ON_CUDA(out, out, ntk_gram(problem, out));
    cpu::gram::ntk_gram(problem, torch_parallel_for, out.mutable_data_ptr<double>());
    return out;
  });
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "ntk_gram(Tensor[] inputs, Tensor[] grads, Tensor[] other_inputs, Tensor[] other_grads, "
      "int[] geometry) -> Tensor");
}
TEGNAS_IMPLEMENT(ntk_gram)

}  // namespace tegnas
