// Eigenvalues: matrices whose spectrum is known, and Sylvester's law of inertia.

#include <algorithm>

#include "kernel_check.h"
#include "kernels/cpu/eigen.h"

namespace tegnas::test {
namespace {

// Number of eigenvalues of a (n, n) below the shift: negative pivots of Gaussian elimination.
int64_t below(std::vector<double> a, int64_t n, double shift) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) a[i * n + i] -= shift;
  for (int64_t k = 0; k < n; ++k) {
    const double pivot = a[k * n + k];
    count += pivot < 0;
    for (int64_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / pivot;
      for (int64_t j = k + 1; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return count;
}

void random_matrices() {
  for (int64_t n : {1, 2, 3, 4, 5, 8, 17, 33, 64, 65, 129}) {
    for (int64_t count : {1, 2, 5, 8, 11}) {
      std::vector<double> matrices;
      for (int64_t m = 0; m < count; ++m) {
        const std::vector<double> one = gram(n, 100 * n + m);
        matrices.insert(matrices.end(), one.begin(), one.end());
      }
      std::vector<double> low(count), high(count), low2(count), high2(count);
      cpu::extreme_eigenvalues(matrices.data(), count, n, serial_for, low.data(), high.data());
      cpu::extreme_eigenvalues(matrices.data(), count, n, shuffled_for, low2.data(), high2.data());
      CHECK(low == low2 && high == high2);
      for (int64_t m = 0; m < count; ++m) {
        const std::vector<double> one(matrices.begin() + m * n * n,
                                      matrices.begin() + (m + 1) * n * n);
        const double margin = 1e-14 * static_cast<double>(n) * high[m];
        CHECK(below(one, n, low[m] - margin) == 0);
        CHECK(below(one, n, low[m] + margin) >= 1);
        CHECK(below(one, n, high[m] - margin) <= n - 1);
        CHECK(below(one, n, high[m] + margin) == n);
      }
    }
  }
}

void known_spectra() {
  // The second difference matrix: 2 - 2 cos(π k / (n + 1)).
  const int64_t n = 50;
  std::vector<double> a(n * n);
  for (int64_t i = 0; i < n; ++i) {
    a[i * n + i] = 2;
    if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
  }
  double low, high;
  cpu::extreme_eigenvalues(a.data(), 1, n, serial_for, &low, &high);
  const double angle = 3.14159265358979323846 / (n + 1);
  CHECK(std::fabs(low - (2 - 2 * std::cos(angle))) < 1e-13);
  CHECK(std::fabs(high - (2 - 2 * std::cos(n * angle))) < 1e-13);

  // All ones: 0 many times, and n.
  const std::vector<double> ones(9 * 16, 1.0);
  std::vector<double> lows(9), highs(9);
  cpu::extreme_eigenvalues(ones.data(), 9, 4, serial_for, lows.data(), highs.data());
  for (int i = 0; i < 9; ++i) CHECK(std::fabs(lows[i]) < 1e-14 && std::fabs(highs[i] - 4) < 1e-14);
}

// As many of all eigenvalues lie below any shift between two of them as pivots say.
void all_eigenvalues() {
  for (int64_t n : {1, 2, 3, 5, 17, 64, 129}) {
    for (int64_t count : {1, 5}) {
      std::vector<double> matrices;
      for (int64_t m = 0; m < count; ++m) {
        const std::vector<double> one = gram(n, 100 * n + m);
        matrices.insert(matrices.end(), one.begin(), one.end());
      }
      std::vector<double> values(count * n), again(count * n);
      cpu::eigenvalues(matrices.data(), count, n, serial_for, values.data());
      cpu::eigenvalues(matrices.data(), count, n, shuffled_for, again.data());
      CHECK(values == again);
      for (int64_t m = 0; m < count; ++m) {
        const std::vector<double> one(matrices.begin() + m * n * n,
                                      matrices.begin() + (m + 1) * n * n);
        std::vector<double> sorted(values.begin() + m * n, values.begin() + (m + 1) * n);
        std::sort(sorted.begin(), sorted.end());
        const double margin = 1e-14 * static_cast<double>(n) * sorted.back();
        for (int64_t k = 0; k < n; k += 1 + n / 5) {
          CHECK(below(one, n, sorted[k] - margin) <= k);
          CHECK(below(one, n, sorted[k] + margin) > k);
        }
      }
    }
  }
}

void conditions() {
  const double infinite = std::numeric_limits<double>::infinity();
  const double none = std::numeric_limits<double>::quiet_NaN();
  CHECK(cpu::condition_number(4, 2, 6) == 3);
  CHECK(cpu::condition_number(4, 1e-16, 1) == infinite);
  CHECK(cpu::condition_number(4, 1e-15, 1) == 1 / 1e-15);
  CHECK(cpu::condition_number(4, -1, 1) == infinite);
  CHECK(cpu::condition_number(4, -2, -1) == infinite);
  CHECK(cpu::condition_number(4, 0, 0) == infinite);
  CHECK(cpu::condition_number(4, none, none) == infinite);
}

}  // namespace
}  // namespace tegnas::test

int main() {
  using namespace tegnas::test;
  if (!has_simd()) return kSkipped;
  random_matrices();
  known_spectra();
  all_eigenvalues();
  conditions();
  return finish("kernel_eigen_test");
}
