// kernel_regression_error on the CPU harness against Gaussian elimination in long double.

#include "kernels/cuda/kernel_regression_error.cuh"

#include <limits>

#include "tests/cuda/check.h"

namespace {

using tegnas::test::expect;
using tegnas::test::expect_near;
using Matrix = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double expected_error(const double* k_xx, const double* k_yx, const Matrix& tx, const Matrix& ty,
                      int n, int m, int classes, double ridge) {
  std::vector<long double> a(n * n), x(tx.begin(), tx.end());
  for (int i = 0; i < n * n; ++i) a[i] = k_xx[i] + (i % (n + 1) == 0 ? ridge : 0.0);
  for (int k = 0; k < n; ++k) {
    for (int r = 0; r < n; ++r) {
      if (r == k) continue;
      const long double factor = a[r * n + k] / a[k * n + k];
      for (int c = 0; c < n; ++c) a[r * n + c] -= factor * a[k * n + c];
      for (int c = 0; c < classes; ++c) x[r * classes + c] -= factor * x[k * classes + c];
    }
  }
  long double error = 0;
  for (int i = 0; i < m; ++i) {
    for (int c = 0; c < classes; ++c) {
      long double residual = ty[i * classes + c];
      for (int j = 0; j < n; ++j) {
        residual -= k_yx[i * n + j] * x[j * classes + c] / a[j * n + j];
      }
      error += residual * residual;
    }
  }
  return static_cast<double>(error / m);
}

Matrix run(const Matrix& k_xx, const Matrix& k_yx, const Matrix& tx, const Matrix& ty,
           int64_t batch, int n, int m, int classes, double ridge) {
  Matrix errors(batch, -12345);
  tegnas::cuda::kernel_regression_error(
      tegnas::cuda::Stream(),
      {k_xx.data(), k_yx.data(), tx.data(), ty.data(), n, m, classes, ridge}, batch, errors.data());
  return errors;
}

Matrix gram(const Matrix& left, const Matrix& right, int rows, int others, int columns) {
  Matrix out(rows * others, 0);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < others; ++c) {
      for (int k = 0; k < columns; ++k) {
        out[r * others + c] += left[r * columns + k] * right[c * columns + k];
      }
    }
  }
  return out;
}

void agrees(int n, int m, int classes, double ridge) {
  constexpr int kBatch = 2;
  std::mt19937_64 random(n + m);
  const Matrix tx = tegnas::test::normal<double>(random, n * classes);
  const Matrix ty = tegnas::test::normal<double>(random, m * classes);
  Matrix k_xx, k_yx;
  for (int b = 0; b < kBatch; ++b) {
    const int columns = 2 * n + 3;
    const Matrix x = tegnas::test::normal<double>(random, n * columns);
    const Matrix y = tegnas::test::normal<double>(random, m * columns);
    const Matrix xx = gram(x, x, n, n, columns), yx = gram(y, x, m, n, columns);
    k_xx.insert(k_xx.end(), xx.begin(), xx.end());
    k_yx.insert(k_yx.end(), yx.begin(), yx.end());
  }
  const Matrix errors = run(k_xx, k_yx, tx, ty, kBatch, n, m, classes, ridge);
  for (int b = 0; b < kBatch; ++b) {
    const double expected =
        expected_error(&k_xx[b * n * n], &k_yx[b * m * n], tx, ty, n, m, classes, ridge);
    expect_near(errors[b] / expected, 1, 1e-11, "error with n = " + std::to_string(n));
  }
}

void sizes() {
  tegnas::test::in_every_order([] {
    agrees(1, 1, 1, 0);
    agrees(2, 3, 2, 0.5);
    agrees(7, 5, 8, 0);
    agrees(33, 20, 10, 0);
  });
  agrees(64, 64, 10, 1e-3);
  agrees(128, 9, 3, 0);
}

void singular_kernels_are_infinite() {
  std::mt19937_64 random(4);
  constexpr int n = 6;
  const Matrix x = tegnas::test::normal<double>(random, n * 3);
  const Matrix targets = tegnas::test::normal<double>(random, n * 2);
  Matrix k = gram(x, x, n, n, 3);  // rank 3
  expect(run(k, k, targets, targets, 1, n, n, 2, 0)[0] == kInfinity, "rank 3 of 6");
  expect(std::isfinite(run(k, k, targets, targets, 1, n, n, 2, 0.1)[0]), "a ridge helps");
  k[8] = NAN;
  k[n] = NAN;
  expect(run(k, k, targets, targets, 1, n, n, 2, 0.1)[0] == kInfinity, "NaN");
  const Matrix zero(n * n, 0);
  expect(run(zero, zero, targets, targets, 1, n, n, 2, 0)[0] == kInfinity, "zero");
}

void an_empty_batch_launches_nothing() {
  tegnas::cuda::harness::launches().clear();
  run({}, {}, {}, {}, 0, 4, 4, 2, 0);
  expect(tegnas::cuda::harness::launches().empty(), "no launch");
}

}  // namespace

int main() {
  return tegnas::test::run_all(
      {{"sizes", sizes},
       {"singular kernels are infinite", singular_kernels_are_infinite},
       {"an empty batch launches nothing", an_empty_batch_launches_nothing}});
}
