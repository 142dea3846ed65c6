#include "kernels/cpu/regression.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/kernels.h"

namespace tegnas::cpu {
namespace {

// One problem at a time, with vectors along the columns of its matrix.
class Solver {
 public:
  explicit Solver(const Regression& problem)
      : problem_(problem),
        kernels_(kernels()),
        stride_(problem.n | 1),
        factor_(problem.n * stride_),
        workspace_(problem.n * kernels_.double_lanes) {}

  double error(int64_t index) {
    const int64_t n = problem_.n, m = problem_.m;
    const double threshold = static_cast<double>(n) * std::numeric_limits<double>::epsilon() *
                             load(problem_.k_xx + index * n * n);
    double error = std::numeric_limits<double>::infinity();
    if (kernels_.cholesky_factorise(factor_.data(), n, stride_, threshold)) {
      error = kernels_.squared_error(factor_.data(), n, stride_, problem_.k_yx + index * m * n, m,
                                     problem_.targets_x, problem_.targets_y, problem_.classes,
                                     workspace_.data()) /
              static_cast<double>(m);
    }
    return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
  }

 private:
  // Takes the columns of the lower triangle and gives the largest diagonal entry.
  double load(const double* k_xx) {
    double largest = 0;
    for (int64_t i = 0; i < problem_.n; ++i) {
      for (int64_t j = 0; j <= i; ++j) factor_[j * stride_ + i] = k_xx[i * problem_.n + j];
      factor_[i * stride_ + i] += problem_.ridge;
      largest = std::max(largest, factor_[i * stride_ + i]);
    }
    return largest;
  }

  const Regression& problem_;
  const Kernels& kernels_;
  int64_t stride_;
  std::vector<double> factor_, workspace_;
};

}  // namespace

void kernel_regression_error(const Regression& problem, const ParallelFor& parallel_for,
                             double* errors) {
  const double n = static_cast<double>(problem.n), m = static_cast<double>(problem.m);
  const double operations = n * n * n / 3 + 2 * n * (2 * n + m) * problem.classes;
  if_worth_threads(operations * problem.count, parallel_for)(problem.count,
                                                             [&](int64_t begin, int64_t end) {
                                                               Solver solver(problem);
                                                               for (int64_t i = begin; i < end; ++i)
                                                                 errors[i] = solver.error(i);
                                                             });
}

}  // namespace tegnas::cpu
