// eig_condition: the ends of the spectrum of symmetric matrices, and their ratio.

#include <ATen/ATen.h>
#include <torch/library.h>

#include <tuple>

#include "kernels/cpu/eigen.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

std::tuple<at::Tensor, at::Tensor, at::Tensor> eig_condition(const at::Tensor& gram) {
  TORCH_CHECK_TYPE(gram.scalar_type() == at::kFloat || gram.scalar_type() == at::kDouble,
                   "eig_condition: matrices must be float32 or float64, got ", gram.scalar_type(),
                   ".");
  TORCH_CHECK_VALUE(gram.dim() >= 2 && gram.size(-1) == gram.size(-2),
                    "eig_condition: matrices must be square, (..., n, n), got ", gram.sizes(), ".");
  const int64_t n = gram.size(-1);
  TORCH_CHECK_VALUE(n > 0, "eig_condition: a matrix of size 0 has no eigenvalues.");
  check_extent("eig_condition", gram);
  const at::Tensor matrices = gram.to(at::kDouble).contiguous();
  const auto shape = matrices.sizes().slice(0, matrices.dim() - 2);
  at::Tensor lowest = at::empty(shape, matrices.options());
  at::Tensor highest = at::empty_like(lowest), condition = at::empty_like(lowest);
  if (lowest.numel() == 0) return {lowest, highest, condition};
  double* low = lowest.data_ptr<double>();
  double* high = highest.data_ptr<double>();
  double* ratio = condition.data_ptr<double>();
  refusing("eig_condition", [&] {
    cpu::extreme_eigenvalues(matrices.const_data_ptr<double>(), lowest.numel(), n,
                             torch_parallel_for, low, high);
  });
  for (int64_t i = 0; i < lowest.numel(); ++i) {
    ratio[i] = cpu::condition_number(n, low[i], high[i]);
  }
  return {lowest, highest, condition};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def("eig_condition(Tensor gram) -> (Tensor lambda_min, Tensor lambda_max, Tensor condition)");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) { m.impl("eig_condition", &eig_condition); }

}  // namespace tegnas
