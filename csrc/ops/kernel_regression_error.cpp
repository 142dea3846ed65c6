// kernel_regression_error: how well kernels predict one labelled batch from another.

#include "kernels/cpu/regression.h"
#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

void check_floating(const char* name, const Tensor& tensor) {
  const ScalarType dtype = dtype_of(tensor);
  TEGNAS_CHECK_TYPE(dtype == ScalarType::Float || dtype == ScalarType::Double,
                    "kernel_regression_error: ", name, " must be float32 or float64, got ", dtype,
                    ".");
}

void check_shapes(const Tensor& k_xx, const Tensor& k_yx, const Tensor& targets_x,
                  const Tensor& targets_y) {
  TEGNAS_CHECK_VALUE(k_xx.dim() >= 2 && k_xx.size(-1) == k_xx.size(-2) && k_xx.size(-1) > 0,
                     "kernel_regression_error: k_xx must be (..., n, n) with n of at least 1, got ",
                     k_xx.sizes(), ".");
  const int64_t n = k_xx.size(-1);
  TEGNAS_CHECK_VALUE(
      k_yx.dim() == k_xx.dim() && k_yx.size(-1) == n &&
          without_last(k_yx.sizes(), 2) == without_last(k_xx.sizes(), 2),
      "kernel_regression_error: k_yx must be (..., m, n) beside k_xx (..., n, n), got ",
      k_yx.sizes(), " and ", k_xx.sizes(), ".");
  const int64_t m = k_yx.size(-2);
  TEGNAS_CHECK_VALUE(targets_x.dim() == 2 && targets_y.dim() == 2 && targets_x.size(0) == n &&
                         targets_y.size(0) == m && targets_x.size(1) == targets_y.size(1),
                     "kernel_regression_error: targets must be (n, classes) and (m, classes), got ",
                     targets_x.sizes(), " and ", targets_y.sizes(), " for n = ", n, " and m = ", m,
                     ".");
}

Tensor kernel_regression_error(const Tensor& k_xx, const Tensor& k_yx, const Tensor& targets_x,
                               const Tensor& targets_y, double ridge) {
  check_shapes(k_xx, k_yx, targets_x, targets_y);
  for (const Tensor* tensor : {&k_xx, &k_yx, &targets_x, &targets_y}) {
    check_extent("kernel_regression_error", *tensor);
    check_same_device("kernel_regression_error", *tensor, k_xx);
  }
  check_floating("k_xx", k_xx);
  check_floating("k_yx", k_yx);
  check_floating("targets_x", targets_x);
  check_floating("targets_y", targets_y);
  const Tensor xx = packed_float64(k_xx), yx = packed_float64(k_yx);
  const Tensor x = packed_float64(targets_x), y = packed_float64(targets_y);
  const Tensor errors = empty(without_last(xx.sizes(), 2), ScalarType::Double, xx);
  if (errors.numel() == 0) return errors;
  TEGNAS_ON_CUDA(xx, errors, kernel_regression_error(xx, yx, x, y, ridge, errors));
  refusing("kernel_regression_error", [&] {
    cpu::kernel_regression_error(
        {xx.const_data_ptr<double>(), yx.const_data_ptr<double>(), x.const_data_ptr<double>(),
         y.const_data_ptr<double>(), errors.numel(), xx.size(-1), yx.size(-2), x.size(1), ridge},
        torch_parallel_for, errors.mutable_data_ptr<double>());
  });
  return errors;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "kernel_regression_error(Tensor k_xx, Tensor k_yx, Tensor targets_x, Tensor targets_y, "
      "float ridge) -> Tensor");
}
TEGNAS_IMPLEMENT(kernel_regression_error)

}  // namespace tegnas
