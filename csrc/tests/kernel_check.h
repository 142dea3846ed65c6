// What the tests of the kernels share: the instruction set under test, and seeded numbers.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "kernels/cpu/kernels.h"
#include "kernels/parallel.h"

namespace tegnas::test {

// CTest reads this exit status as "skipped".
constexpr int kSkipped = 77;

// Whether this machine has the instruction set that TEGNAS_SIMD names.
inline bool has_simd() {
  const char* wanted = std::getenv("TEGNAS_SIMD");
  return !wanted || cpu::kernels_for(wanted);
}

template <typename T>
std::vector<T> normal(int64_t count, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> numbers;
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(numbers(generator));
  return values;
}

// Splits the work into many ranges, last one first, so that no result can depend on the order.
inline void shuffled_for(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  for (int64_t begin = (count - 1) / 3 * 3; begin >= 0 && count > 0; begin -= 3) {
    body(begin, std::min(count, begin + 3));
  }
}

inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, scale = 1e-300;
  for (size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::fabs(a[i] - b[i]));
    scale = std::max(scale, std::fabs(b[i]));
  }
  return most / scale;
}

// Positive definite (n, n).
inline std::vector<double> gram(int64_t n, uint64_t seed) {
  const int64_t width = n + 4;
  const std::vector<double> rows = normal<double>(n * width, seed);
  std::vector<double> result(n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t w = 0; w < width; ++w) {
        result[i * n + j] += rows[i * width + w] * rows[j * width + w];
      }
    }
  }
  return result;
}

}  // namespace tegnas::test
