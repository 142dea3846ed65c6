// kernel_regression_error: how well kernels predict one labelled batch from another.

#include <ATen/ATen.h>
#include <torch/library.h>

#include "kernels/cpu/regression.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

at::Tensor in_float64(const char* name, const at::Tensor& tensor) {
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kDouble,
                   "kernel_regression_error: ", name, " must be float32 or float64, got ",
                   tensor.scalar_type(), ".");
  return tensor.to(at::kDouble).contiguous();
}

at::Tensor kernel_regression_error(const at::Tensor& k_xx, const at::Tensor& k_yx,
                                   const at::Tensor& targets_x, const at::Tensor& targets_y,
                                   double ridge) {
  TORCH_CHECK_VALUE(k_xx.dim() >= 2 && k_xx.size(-1) == k_xx.size(-2) && k_xx.size(-1) > 0,
                    "kernel_regression_error: k_xx must be (..., n, n) with n of at least 1, got ",
                    k_xx.sizes(), ".");
  const int64_t n = k_xx.size(-1);
  const auto shape = k_xx.sizes().slice(0, k_xx.dim() - 2);
  TORCH_CHECK_VALUE(k_yx.dim() == k_xx.dim() && k_yx.size(-1) == n &&
                        k_yx.sizes().slice(0, k_yx.dim() - 2) == shape,
                    "kernel_regression_error: k_yx must be (..., m, n) beside k_xx (..., n, n), "
                    "got ",
                    k_yx.sizes(), " and ", k_xx.sizes(), ".");
  const int64_t m = k_yx.size(-2);
  TORCH_CHECK_VALUE(targets_x.dim() == 2 && targets_y.dim() == 2 && targets_x.size(0) == n &&
                        targets_y.size(0) == m && targets_x.size(1) == targets_y.size(1),
                    "kernel_regression_error: targets must be (n, classes) and (m, classes), got ",
                    targets_x.sizes(), " and ", targets_y.sizes(), " for n = ", n, " and m = ", m,
                    ".");
  for (const at::Tensor& tensor : {k_xx, k_yx, targets_x, targets_y}) {
    check_extent("kernel_regression_error", tensor);
  }
  const at::Tensor xx = in_float64("k_xx", k_xx), yx = in_float64("k_yx", k_yx);
  const at::Tensor x = in_float64("targets_x", targets_x);
  const at::Tensor y = in_float64("targets_y", targets_y);
  at::Tensor errors = at::empty(shape, xx.options());
  if (errors.numel() == 0) return errors;
  refusing("kernel_regression_error", [&] {
    cpu::kernel_regression_error(
        {xx.const_data_ptr<double>(), yx.const_data_ptr<double>(), x.const_data_ptr<double>(),
         y.const_data_ptr<double>(), errors.numel(), n, m, x.size(1), ridge},
        torch_parallel_for, errors.data_ptr<double>());
  });
  return errors;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "kernel_regression_error(Tensor k_xx, Tensor k_yx, Tensor targets_x, Tensor targets_y, "
      "float ridge) -> Tensor");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) { m.impl("kernel_regression_error", &kernel_regression_error); }

}  // namespace tegnas
