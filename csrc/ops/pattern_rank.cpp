// pattern_rank: how many directions activation patterns span, from their distances.

#include "kernels/cpu/pattern_rank.h"

#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

Tensor pattern_rank(const Tensor& distances) {
  const ScalarType dtype = dtype_of(distances);
  TEGNAS_CHECK_TYPE(
      dtype == ScalarType::Long || dtype == ScalarType::Float || dtype == ScalarType::Double,
      "pattern_rank: distances must be int64, float32 or float64, got ", dtype, ".");
  TEGNAS_CHECK_VALUE(
      distances.dim() >= 2 && distances.size(-1) == distances.size(-2) && distances.size(-1) > 0,
      "pattern_rank: distances must be (..., n, n) with n of at least 1, got ", distances.sizes(),
      ".");
  check_extent("pattern_rank", distances);
  const Tensor matrices = packed_float64(distances);
  const Tensor ranks = empty(without_last(matrices.sizes(), 2), ScalarType::Double, matrices);
  if (ranks.numel() == 0) return ranks;
  TEGNAS_ON_CUDA(matrices, ranks, pattern_rank(matrices, ranks));
  refusing("pattern_rank", [&] {
    cpu::pattern_rank(matrices.const_data_ptr<double>(), ranks.numel(), matrices.size(-1),
                      torch_parallel_for, ranks.mutable_data_ptr<double>());
  });
  return ranks;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) { m.def("pattern_rank(Tensor distances) -> Tensor"); }
TEGNAS_IMPLEMENT(pattern_rank)

}  // namespace tegnas
