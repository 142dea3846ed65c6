// leave_one_out: each image of a batch against all others, from kernels alone.

#include "kernels/cpu/leave_one_out.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <tuple>

#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

std::tuple<at::Tensor, at::Tensor> leave_one_out(const at::Tensor& kernels) {
  TORCH_CHECK_TYPE(kernels.scalar_type() == at::kFloat || kernels.scalar_type() == at::kDouble,
                   "leave_one_out: kernels must be float32 or float64, got ", kernels.scalar_type(),
                   ".");
  TORCH_CHECK_VALUE(
      kernels.dim() >= 2 && kernels.size(-1) == kernels.size(-2) && kernels.size(-1) > 0,
      "leave_one_out: kernels must be (..., n, n) with n of at least 1, got ", kernels.sizes(),
      ".");
  check_extent("leave_one_out", kernels);
  const at::Tensor matrices = kernels.to(at::kDouble).contiguous();
  const auto shape = matrices.sizes().slice(0, matrices.dim() - 2);
  at::Tensor inflations = at::empty(shape, matrices.options());
  at::Tensor errors = at::empty_like(inflations);
  if (errors.numel() == 0) return {inflations, errors};
  refusing("leave_one_out", [&] {
    cpu::leave_one_out(matrices.const_data_ptr<double>(), errors.numel(), matrices.size(-1),
                       torch_parallel_for, inflations.data_ptr<double>(),
                       errors.data_ptr<double>());
  });
  return {inflations, errors};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def("leave_one_out(Tensor kernels) -> (Tensor inflations, Tensor errors)");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) { m.impl("leave_one_out", &leave_one_out); }

}  // namespace tegnas
