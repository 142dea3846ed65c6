// leave_one_out on CUDA: the kernel up to 128 images, the library above.

#include <torch/library.h>

#include <limits>
#include <tuple>

#include "kernels/cuda/launch.h"
#include "ops/cuda/checks.h"

namespace tegnas {
namespace {

using Results = std::tuple<at::Tensor, at::Tensor>;

// Cholesky by cuSOLVER, the inverse of the factor by cuBLAS. Kernels that can't be factorised
// become the identity and get their result afterwards; nothing of this waits for the device.
Results by_library(const at::Tensor& kernels) {
  const int64_t n = kernels.size(-1);
  const at::Tensor identity = at::eye(n, kernels.options());
  const auto where_sound = [&](const at::Tensor& sound, const at::Tensor& matrices) {
    return at::where(sound.view({-1, 1, 1}), matrices, identity);
  };
  const at::Tensor lower = kernels.tril();
  at::Tensor sound = lower.isfinite().flatten(1).all(1) & (lower.diagonal(0, 1, 2) > 0).all(1);
  const at::Tensor usable = where_sound(sound, lower);
  const at::Tensor squares = usable.diagonal(0, 1, 2);
  const at::Tensor lengths = squares.sqrt();
  const at::Tensor scaled = usable / (lengths.unsqueeze(2) * lengths.unsqueeze(1));
  const auto [factors, info] = at::linalg_cholesky_ex(scaled);
  const at::Tensor pivots = factors.diagonal(0, 1, 2).square().amin(1);
  sound = sound & (info == 0) & (pivots > n * std::numeric_limits<double>::epsilon());
  const at::Tensor halves = at::linalg_solve_triangular(
      where_sound(sound, factors), identity.expand_as(factors), /*upper=*/false);
  const at::Tensor inverse = at::matmul(halves.mT(), halves);
  const at::Tensor own = inverse.diagonal(0, 1, 2);
  const at::Tensor shares =
      (inverse / own.unsqueeze(2)).square() * (squares.unsqueeze(2) / squares.unsqueeze(1));
  const at::Tensor inflations = own.mean(1), errors = shares.sum(2).mean(1);
  sound = sound & inflations.isfinite() & errors.isfinite();
  const double infinity = std::numeric_limits<double>::infinity();
  return {inflations.masked_fill(~sound, infinity), errors.masked_fill(~sound, infinity)};
}

Results leave_one_out(const at::Tensor& kernels) {
  check_square("leave_one_out", "kernels", kernels);
  const OnDeviceOf device(kernels);
  const int64_t n = kernels.size(-1);
  const auto shape = kernels.sizes().slice(0, kernels.dim() - 2);
  const at::Tensor matrices = in_float64("leave_one_out", "kernels", kernels).reshape({-1, n, n});
  if (n > cuda::kMostLeaveOneOutRows) {
    const auto [inflations, errors] = by_library(matrices);
    return {inflations.reshape(shape), errors.reshape(shape)};
  }
  const at::Tensor packed = matrices.contiguous();
  at::Tensor inflations = at::empty(shape, packed.options());
  at::Tensor errors = at::empty_like(inflations);
  cuda::launch_leave_one_out(device.stream(), packed.const_data_ptr<double>(), packed.size(0), n,
                             inflations.mutable_data_ptr<double>(),
                             errors.mutable_data_ptr<double>());
  return {inflations, errors};
}

}  // namespace

TORCH_LIBRARY_IMPL(tegnas, CUDA, m) { m.impl("leave_one_out", &leave_one_out); }

}  // namespace tegnas
