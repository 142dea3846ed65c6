// Kernel regression against Gaussian elimination.

#include <limits>

#include "kernel_check.h"
#include "kernels/cpu/regression.h"

namespace tegnas::test {
namespace {

double naive(const cpu::Regression& p, int64_t index) {
  const int64_t n = p.n, classes = p.classes;
  std::vector<double> a(p.k_xx + index * n * n, p.k_xx + (index + 1) * n * n);
  std::vector<double> x(p.targets_x, p.targets_x + n * classes);
  for (int64_t i = 0; i < n; ++i) a[i * n + i] += p.ridge;
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i * n + k] / a[k * n + k];
      for (int64_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
      for (int64_t c = 0; c < classes; ++c) x[i * classes + c] -= factor * x[k * classes + c];
    }
  }
  double error = 0;
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t c = 0; c < classes; ++c) {
      double residual = p.targets_y[i * classes + c];
      for (int64_t j = 0; j < n; ++j) {
        residual -= p.k_yx[(index * p.m + i) * n + j] * x[j * classes + c] / a[j * n + j];
      }
      error += residual * residual;
    }
  }
  return error / static_cast<double>(p.m);
}

void random_problems() {
  for (int64_t n : {1, 2, 7, 8, 9, 16, 33, 64, 65}) {
    for (int64_t classes : {1, 3, 8, 10}) {
      const int64_t count = 5, m = 6;
      std::vector<double> k_xx;
      for (int64_t b = 0; b < count; ++b) {
        const std::vector<double> one = gram(n, 10 * n + b);
        k_xx.insert(k_xx.end(), one.begin(), one.end());
      }
      const std::vector<double> k_yx = normal<double>(count * m * n, 1);
      const std::vector<double> tx = normal<double>(n * classes, 2);
      const std::vector<double> ty = normal<double>(m * classes, 3);
      const cpu::Regression problem = {k_xx.data(), k_yx.data(), tx.data(), ty.data(), count,
                                       n,           m,           classes,   0.25};
      std::vector<double> errors(count), shuffled(count), expected(count);
      cpu::kernel_regression_error(problem, serial_for, errors.data());
      cpu::kernel_regression_error(problem, shuffled_for, shuffled.data());
      for (int64_t b = 0; b < count; ++b) expected[b] = naive(problem, b);
      CHECK(difference(errors, expected) < 1e-9);
      CHECK(errors == shuffled);
    }
  }
}

void bad_kernels() {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const double k_xx[4][4] = {{1, 1, 1, 1}, {0, 0, 0, 0}, {1, 2, 2, 1}, {1, none, none, 1}};
  const double k_yx[4][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
  const double targets[2] = {1, -1};
  double errors[4];
  cpu::kernel_regression_error({k_xx[0], k_yx[0], targets, targets, 4, 2, 1, 1, 0}, serial_for,
                               errors);
  for (double error : errors) CHECK(error == std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace tegnas::test

int main() {
  using namespace tegnas::test;
  if (!has_simd()) return kSkipped;
  random_problems();
  bad_kernels();
  return finish("kernel_regression_test");
}
