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
        stride_(problem.n | 1),
        factor_(problem.n * stride_),
        solutions_(problem.classes * stride_),
        predictions_(problem.m * problem.classes) {}

  double error(int64_t index) {
    const double infinite = std::numeric_limits<double>::infinity();
    const double largest = load(problem_.k_xx + index * problem_.n * problem_.n);
    const double threshold =
        static_cast<double>(problem_.n) * std::numeric_limits<double>::epsilon() * largest;
    if (!kernels().cholesky_solve(factor_.data(), problem_.n, stride_, threshold, solutions_.data(),
                                  problem_.classes, stride_)) {
      return infinite;
    }
    std::fill(predictions_.begin(), predictions_.end(), 0.0);
    kernels().add_row_products(problem_.k_yx + index * problem_.m * problem_.n, problem_.n,
                               problem_.m, solutions_.data(), stride_, problem_.classes, problem_.n,
                               predictions_.data(), problem_.classes);
    double total = 0;
    for (size_t i = 0; i < predictions_.size(); ++i) {
      const double residual = problem_.targets_y[i] - predictions_[i];
      total += residual * residual;
    }
    total /= static_cast<double>(problem_.m);
    return std::isfinite(total) ? total : infinite;
  }

 private:
  // Columns of the lower triangle, and targets class by class; the largest diagonal entry.
  double load(const double* k_xx) {
    double largest = 0;
    for (int64_t i = 0; i < problem_.n; ++i) {
      for (int64_t j = 0; j <= i; ++j) factor_[j * stride_ + i] = k_xx[i * problem_.n + j];
      double& diagonal = factor_[i * stride_ + i];
      diagonal += problem_.ridge;
      largest = std::max(largest, diagonal);
      for (int64_t k = 0; k < problem_.classes; ++k) {
        solutions_[k * stride_ + i] = problem_.targets_x[i * problem_.classes + k];
      }
    }
    return largest;
  }

  const Regression& problem_;
  int64_t stride_;
  std::vector<double> factor_, solutions_, predictions_;
};

}  // namespace

void kernel_regression_error(const Regression& problem, const ParallelFor& parallel_for,
                             double* errors) {
  parallel_for(problem.count, [&](int64_t begin, int64_t end) {
    Solver solver(problem);
    for (int64_t i = begin; i < end; ++i) errors[i] = solver.error(i);
  });
}

}  // namespace tegnas::cpu
