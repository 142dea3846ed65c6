// eig_condition on CUDA: the kernel up to 128 rows, the library routine above.

#include <torch/library.h>

#include <limits>
#include <tuple>

#include "kernels/cuda/launch.h"
#include "ops/cuda/checks.h"

namespace tegnas {
namespace {

using Extremes = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

// cuSOLVER refuses what isn't finite, so such matrices become the identity and get their result
// afterwards; nothing of this waits for the device.
Extremes by_library(const at::Tensor& matrices) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const int64_t n = matrices.size(-1);
  const at::Tensor lower = matrices.tril();
  const at::Tensor finite = lower.isfinite().flatten(1).all(1);
  const at::Tensor usable =
      at::where(finite.view({-1, 1, 1}), lower, at::eye(n, matrices.options()));
  const at::Tensor values = at::linalg_eigvalsh(usable, "L");
  const at::Tensor smallest = values.select(1, 0), largest = values.select(1, n - 1);
  const at::Tensor regular = smallest > largest * (n * std::numeric_limits<double>::epsilon());
  return {smallest.masked_fill(~finite, nan), largest.masked_fill(~finite, nan),
          (largest / smallest).masked_fill(~(finite & regular), infinity)};
}

Extremes eig_condition(const at::Tensor& gram) {
  check_square("eig_condition", "matrices", gram);
  const OnDeviceOf device(gram);
  const int64_t n = gram.size(-1);
  const auto shape = gram.sizes().slice(0, gram.dim() - 2);
  const at::Tensor matrices = in_float64("eig_condition", "matrices", gram).reshape({-1, n, n});
  if (n > cuda::kMostEigRows) {
    const auto [smallest, largest, condition] = by_library(matrices);
    return {smallest.reshape(shape), largest.reshape(shape), condition.reshape(shape)};
  }
  const at::Tensor packed = matrices.contiguous();
  at::Tensor smallest = at::empty(shape, packed.options());
  at::Tensor largest = at::empty_like(smallest), condition = at::empty_like(smallest);
  cuda::launch_eig_condition(device.stream(), packed.const_data_ptr<double>(), packed.size(0), n,
                             smallest.mutable_data_ptr<double>(),
                             largest.mutable_data_ptr<double>(),
                             condition.mutable_data_ptr<double>());
  return {smallest, largest, condition};
}

}  // namespace

TORCH_LIBRARY_IMPL(tegnas, CUDA, m) { m.impl("eig_condition", &eig_condition); }

}  // namespace tegnas
