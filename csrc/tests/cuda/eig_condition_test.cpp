// eig_condition on the CPU harness against Jacobi rotations.

#include "kernels/cuda/eig_condition.cuh"

#include <limits>

#include "tests/cuda/check.h"

namespace {

using tegnas::test::expect;
using tegnas::test::expect_near;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Result {
  std::vector<double> condition, largest, smallest;
};

Result run(const std::vector<double>& matrices, int64_t batch, int n) {
  const double unset = -12345;
  Result result{std::vector<double>(batch, unset), std::vector<double>(batch, unset),
                std::vector<double>(batch, unset)};
  tegnas::cuda::eig_condition(tegnas::cuda::Stream(), matrices.data(), batch, n,
                              result.condition.data(), result.largest.data(),
                              result.smallest.data());
  return result;
}

// Extremes by cyclic Jacobi rotations, which is slow and hard to get wrong.
std::pair<double, double> jacobi(std::vector<double> a, int n) {
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (int p = 0; p < n; ++p) {
      for (int q = p + 1; q < n; ++q) {
        const double off = a[p * n + q];
        if (off == 0) continue;
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
        const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < n; ++k) {
          const double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (int k = 0; k < n; ++k) {
          const double x = a[p * n + k], y = a[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
    }
  }
  double low = a[0], high = a[0];
  for (int i = 1; i < n; ++i) {
    low = std::min(low, a[i * n + i]);
    high = std::max(high, a[i * n + i]);
  }
  return {low, high};
}

// J Jᵀ of a random J with the given number of columns.
std::vector<double> gram(std::mt19937_64& random, int n, int columns, double scale) {
  const std::vector<double> j = tegnas::test::normal<double>(random, n * columns);
  std::vector<double> matrix(n * n, 0);
  for (int r = 0; r < n; ++r) {
    for (int c = 0; c < n; ++c) {
      for (int k = 0; k < columns; ++k)
        matrix[r * n + c] += j[r * columns + k] * j[c * columns + k];
      matrix[r * n + c] *= scale;
    }
  }
  return matrix;
}

void agrees_with_jacobi(int n, double scale) {
  std::mt19937_64 random(n);
  std::vector<double> matrices;
  constexpr int kBatch = 2;
  for (int b = 0; b < kBatch; ++b) {
    const std::vector<double> one = gram(random, n, n + 8, scale);
    matrices.insert(matrices.end(), one.begin(), one.end());
  }
  const Result result = run(matrices, kBatch, n);
  for (int b = 0; b < kBatch; ++b) {
    const auto [low, high] =
        jacobi({matrices.begin() + b * n * n, matrices.begin() + (b + 1) * n * n}, n);
    const std::string what = "n = " + std::to_string(n);
    expect_near(result.largest[b] / high, 1, 1e-12, what + ", largest");
    expect_near(result.smallest[b] / high, low / high, 1e-12, what + ", smallest");
    expect_near(result.condition[b] * low / high, 1, 1e-12 * high / low, what + ", condition");
  }
}

void sizes() {
  tegnas::test::in_every_order([] {
    for (int n : {1, 2, 3, 5, 31, 32, 33, 64}) agrees_with_jacobi(n, 1);
  });
  agrees_with_jacobi(97, 1);
  agrees_with_jacobi(128, 1);
}

void scales() {
  for (double scale : {1e-290, 1e-30, 1e20, 1e290}) agrees_with_jacobi(6, scale);
}

void only_the_lower_triangle_is_read() {
  std::mt19937_64 random(1);
  std::vector<double> matrix = gram(random, 9, 12, 1);
  const Result whole = run(matrix, 1, 9);
  for (int i = 0; i < 9; ++i) {
    for (int j = i + 1; j < 9; ++j) matrix[i * 9 + j] = NAN;
  }
  expect(run(matrix, 1, 9).condition == whole.condition, "the upper triangle doesn't matter");
}

void bad_matrices_are_infinite_and_leave_others_alone() {
  constexpr int n = 5;
  std::mt19937_64 random(2);
  std::vector<double> matrices(n * n, 0);  // zero
  const auto add = [&](std::vector<double> one) {
    matrices.insert(matrices.end(), one.begin(), one.end());
  };
  add(gram(random, n, 2, 1));  // rank 2
  std::vector<double> broken = gram(random, n, 9, 1);
  broken[n] = NAN;
  add(broken);
  broken[n] = kInfinity;
  add(broken);
  add(gram(random, n, 9, -1));  // negative definite
  add(gram(random, n, 9, 1));
  std::vector<double> diagonal(n * n, 0);
  for (int i = 0; i < n; ++i) diagonal[i * n + i] = i + 1;
  add(diagonal);
  const Result result = run(matrices, 7, n);
  for (int b = 0; b < 5; ++b) {
    expect(result.condition[b] == kInfinity, "matrix " + std::to_string(b) + " is infinite");
  }
  expect(std::isnan(result.largest[2]) && std::isnan(result.smallest[3]),
         "not finite: no extremes");
  expect(result.largest[0] == 0 || std::abs(result.largest[0]) < 1e-300, "zero has extremes 0");
  expect(std::isfinite(result.condition[5]), "a good one stays finite");
  expect_near(result.condition[6], 5, 1e-12, "diagonal 1 to 5");
}

void nothing_is_launched_for_an_empty_batch() {
  tegnas::cuda::harness::launches().clear();
  run({}, 0, 4);
  expect(tegnas::cuda::harness::launches().empty(), "no launch");
}

}  // namespace

int main() {
  return tegnas::test::run_all({
      {"sizes", sizes},
      {"scales", scales},
      {"only the lower triangle is read", only_the_lower_triangle_is_read},
      {"bad matrices are infinite and leave others alone",
       bad_matrices_are_infinite_and_leave_others_alone},
      {"nothing is launched for an empty batch", nothing_is_launched_for_an_empty_batch},
  });
}
