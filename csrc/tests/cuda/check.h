// What the tests of the CUDA kernels share: checks, random numbers, the orders to run in.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/cuda/harness.h"

namespace tegnas::test {

inline void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not so: " + what);
}

inline void expect_near(double got, double expected, double tolerance, const std::string& what) {
  if (got == expected || (std::isnan(got) && std::isnan(expected))) return;
  expect(std::abs(got - expected) <= tolerance,
         what + ": got " + std::to_string(got) + ", expected " + std::to_string(expected));
}

// Runs the body in three orders of threads and blocks.
inline void in_every_order(const std::function<void()>& body) {
  for (uint64_t seed : {0, 1, 2}) {
    cuda::harness::seed() = seed;
    body();
  }
  cuda::harness::seed() = 0;
}

template <typename T>
std::vector<T> normal(std::mt19937_64& random, size_t count) {
  std::normal_distribution<double> draw;
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(draw(random));
  return values;
}

struct Case {
  const char* name;
  void (*run)();
};

// All of them, or with the arguments PART PARTS every PARTS-th from number PART on.
inline int run_all(const std::vector<Case>& cases, int argc = 0, char** argv = nullptr) {
  const size_t first = argc == 3 ? std::stoul(argv[1]) : 0;
  const size_t step = argc == 3 ? std::stoul(argv[2]) : 1;
  int failures = 0;
  for (size_t k = first; k < cases.size(); k += step) {
    const Case& each = cases[k];
    try {
      each.run();
      std::printf("passed  %s\n", each.name);
    } catch (const std::exception& error) {
      ++failures;
      std::printf("FAILED  %s: %s\n", each.name, error.what());
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace tegnas::test
