// eig_condition: the ends of the spectrum of symmetric matrices, and their ratio.

#include <tuple>

#include "kernels/cpu/eigen.h"
#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

std::tuple<Tensor, Tensor, Tensor> eig_condition(const Tensor& gram) {
  const ScalarType dtype = dtype_of(gram);
  TEGNAS_CHECK_TYPE(dtype == ScalarType::Float || dtype == ScalarType::Double,
                    "eig_condition: matrices must be float32 or float64, got ", dtype, ".");
  TEGNAS_CHECK_VALUE(gram.dim() >= 2 && gram.size(-1) == gram.size(-2),
                     "eig_condition: matrices must be square, (..., n, n), got ", gram.sizes(),
                     ".");
  const int64_t n = gram.size(-1);
  TEGNAS_CHECK_VALUE(n > 0, "eig_condition: a matrix of size 0 has no eigenvalues.");
  check_extent("eig_condition", gram);
  const Tensor matrices = packed_float64(gram);
  const Sizes shape = without_last(matrices.sizes(), 2);
  const Tensor lowest = empty(shape, ScalarType::Double, matrices);
  const Tensor highest = empty(shape, ScalarType::Double, matrices);
  const Tensor condition = empty(shape, ScalarType::Double, matrices);
  const auto results = std::make_tuple(lowest, highest, condition);
  const int64_t count = lowest.numel();
  if (count == 0) return results;
  double* low = lowest.mutable_data_ptr<double>();
  double* high = highest.mutable_data_ptr<double>();
  double* ratio = condition.mutable_data_ptr<double>();
  TEGNAS_ON_CUDA(matrices, results, eig_condition(matrices, low, high, ratio));
  refusing("eig_condition", [&] {
    cpu::extreme_eigenvalues(matrices.const_data_ptr<double>(), count, n, torch_parallel_for, low,
                             high);
  });
  for (int64_t i = 0; i < count; ++i) ratio[i] = cpu::condition_number(n, low[i], high[i]);
  return results;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def("eig_condition(Tensor gram) -> (Tensor lambda_min, Tensor lambda_max, Tensor condition)");
}
TEGNAS_IMPLEMENT(eig_condition)

}  // namespace tegnas
