// Leave-one-out statistics against an inverse by Gaussian elimination.

#include <cmath>
#include <limits>

#include "kernel_check.h"
#include "kernels/cpu/leave_one_out.h"

namespace tegnas::test {
namespace {

std::vector<double> inverse(std::vector<double> a, int64_t n) {
  std::vector<double> x(n * n);
  for (int64_t i = 0; i < n; ++i) x[i * n + i] = 1;
  for (int64_t k = 0; k < n; ++k) {
    const double pivot = a[k * n + k];
    for (int64_t j = 0; j < n; ++j) a[k * n + j] /= pivot, x[k * n + j] /= pivot;
    for (int64_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i * n + k];
      for (int64_t j = 0; j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
        x[i * n + j] -= factor * x[k * n + j];
      }
    }
  }
  return x;
}

void naive(const std::vector<double>& kernel, int64_t n, double* inflation, double* error) {
  const std::vector<double> x = inverse(kernel, n);
  *inflation = *error = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double own = x[i * n + i];
    *inflation += kernel[i * n + i] * own / static_cast<double>(n);
    for (int64_t j = 0; j < n; ++j) {
      *error += x[i * n + j] * x[i * n + j] / (own * own) / static_cast<double>(n);
    }
  }
}

void random_kernels() {
  for (int64_t n : {1, 2, 7, 8, 9, 16, 33, 64, 65}) {
    const int64_t count = 5;
    std::vector<double> kernels, expected_inflations(count), expected_errors(count);
    for (int64_t b = 0; b < count; ++b) {
      std::vector<double> one = gram(n, 10 * n + b);
      const std::vector<double> lengths = normal<double>(n, b);
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < n; ++j) one[i * n + j] *= std::exp(lengths[i] + lengths[j]);
      }
      naive(one, n, &expected_inflations[b], &expected_errors[b]);
      kernels.insert(kernels.end(), one.begin(), one.end());
    }
    std::vector<double> inflations(count), errors(count), inflations2(count), errors2(count);
    cpu::leave_one_out(kernels.data(), count, n, serial_for, inflations.data(), errors.data());
    cpu::leave_one_out(kernels.data(), count, n, shuffled_for, inflations2.data(), errors2.data());
    CHECK(difference(inflations, expected_inflations) < 1e-9);
    CHECK(difference(errors, expected_errors) < 1e-9);
    CHECK(inflations == inflations2 && errors == errors2);
  }
}

void bad_kernels() {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const double kernels[5][4] = {
      {1, 1, 1, 1}, {0, 0, 0, 0}, {1, 2, 2, 1}, {1, none, none, 1}, {1, 0, 0, none}};
  double inflations[5], errors[5];
  cpu::leave_one_out(kernels[0], 5, 2, serial_for, inflations, errors);
  for (double each : inflations) CHECK(each == std::numeric_limits<double>::infinity());
  for (double each : errors) CHECK(each == std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace tegnas::test

int main() {
  using namespace tegnas::test;
  if (!has_simd()) return kSkipped;
  random_kernels();
  bad_kernels();
  return finish("kernel_leave_one_out_test");
}
