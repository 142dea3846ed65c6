// leave_one_out: each image of a batch against all others, from kernels alone.

#include "kernels/cpu/leave_one_out.h"

#include <tuple>

#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

std::tuple<Tensor, Tensor> leave_one_out(const Tensor& kernels) {
  const ScalarType dtype = dtype_of(kernels);
  TEGNAS_CHECK_TYPE(dtype == ScalarType::Float || dtype == ScalarType::Double,
                    "leave_one_out: kernels must be float32 or float64, got ", dtype, ".");
  TEGNAS_CHECK_VALUE(
      kernels.dim() >= 2 && kernels.size(-1) == kernels.size(-2) && kernels.size(-1) > 0,
      "leave_one_out: kernels must be (..., n, n) with n of at least 1, got ", kernels.sizes(),
      ".");
  check_extent("leave_one_out", kernels);
  const Tensor matrices = packed_float64(kernels);
  const Sizes shape = without_last(matrices.sizes(), 2);
  const Tensor inflations = empty(shape, ScalarType::Double, matrices);
  const Tensor errors = empty(shape, ScalarType::Double, matrices);
  const auto results = std::make_tuple(inflations, errors);
  if (errors.numel() == 0) return results;
  TEGNAS_ON_CUDA(matrices, results, leave_one_out(matrices, inflations, errors));
  refusing("leave_one_out", [&] {
    cpu::leave_one_out(matrices.const_data_ptr<double>(), errors.numel(), matrices.size(-1),
                       torch_parallel_for, inflations.mutable_data_ptr<double>(),
                       errors.mutable_data_ptr<double>());
  });
  return results;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def("leave_one_out(Tensor kernels) -> (Tensor inflations, Tensor errors)");
}
TEGNAS_IMPLEMENT(leave_one_out)

}  // namespace tegnas
