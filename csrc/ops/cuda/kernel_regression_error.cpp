// kernel_regression_error on CUDA: the kernel up to 128 training images, the library above.

#include <torch/library.h>

#include <limits>

#include "kernels/cuda/launch.h"
#include "ops/cuda/checks.h"

namespace tegnas {
namespace {

// Cholesky and solve by cuSOLVER; a factorisation that fails leaves its mark in `info`, which stays
// on the device. A pivot that is not above n·ε·(largest diagonal) counts as failed, as in the
// kernel.
at::Tensor by_library(const at::Tensor& k_xx, const at::Tensor& k_yx, const at::Tensor& tx,
                      const at::Tensor& ty, double ridge) {
  const int64_t n = k_xx.size(-1);
  const at::Tensor regular = k_xx + ridge * at::eye(n, k_xx.options());
  const auto [factor, info] = at::linalg_cholesky_ex(regular);
  const at::Tensor pivots = factor.diagonal(0, -2, -1).square().amin(1);
  const at::Tensor threshold =
      regular.diagonal(0, -2, -1).amax(1) * (n * std::numeric_limits<double>::epsilon());
  const at::Tensor solutions = at::cholesky_solve(tx.expand({k_xx.size(0), -1, -1}), factor);
  const at::Tensor error = (ty - at::matmul(k_yx, solutions)).square().sum({1, 2}) / ty.size(0);
  const at::Tensor sound = (info == 0) & (pivots > threshold) & error.isfinite();
  return error.masked_fill(~sound, std::numeric_limits<double>::infinity());
}

at::Tensor kernel_regression_error(const at::Tensor& k_xx, const at::Tensor& k_yx,
                                   const at::Tensor& tx, const at::Tensor& ty, double ridge) {
  constexpr const char* op = "kernel_regression_error";
  check_square(op, "k_xx", k_xx);
  for (const at::Tensor& tensor : {k_yx, tx, ty}) check_same_device(op, tensor, k_xx);
  const int64_t n = k_xx.size(-1);
  const auto shape = k_xx.sizes().slice(0, k_xx.dim() - 2);
  TORCH_CHECK_VALUE(k_yx.dim() == k_xx.dim() && k_yx.size(-1) == n &&
                        k_yx.sizes().slice(0, k_yx.dim() - 2) == shape,
                    op, ": k_yx must be (..., m, n) beside k_xx (..., n, n), got ", k_yx.sizes(),
                    " and ", k_xx.sizes(), ".");
  const int64_t m = k_yx.size(-2);
  TORCH_CHECK_VALUE(tx.dim() == 2 && ty.dim() == 2 && tx.size(0) == n && ty.size(0) == m &&
                        tx.size(1) == ty.size(1),
                    op, ": targets must be (n, classes) and (m, classes), got ", tx.sizes(),
                    " and ", ty.sizes(), " for n = ", n, " and m = ", m, ".");
  const OnDeviceOf device(k_xx);
  const at::Tensor xx = in_float64(op, "k_xx", k_xx).reshape({-1, n, n}).contiguous();
  const at::Tensor yx = in_float64(op, "k_yx", k_yx).reshape({xx.size(0), m, n}).contiguous();
  const at::Tensor x = in_float64(op, "tx", tx).contiguous();
  const at::Tensor y = in_float64(op, "ty", ty).contiguous();
  if (n > cuda::kMostRegressionRows) return by_library(xx, yx, x, y, ridge).reshape(shape);
  at::Tensor errors = at::empty({xx.size(0)}, xx.options());
  cuda::launch_kernel_regression_error(
      device.stream(),
      {xx.const_data_ptr<double>(), yx.const_data_ptr<double>(), x.const_data_ptr<double>(),
       y.const_data_ptr<double>(), xx.size(0), n, m, x.size(1), ridge},
      errors.mutable_data_ptr<double>());
  return errors.reshape(shape);
}

}  // namespace

TORCH_LIBRARY_IMPL(tegnas, CUDA, m) { m.impl("kernel_regression_error", &kernel_regression_error); }

}  // namespace tegnas
