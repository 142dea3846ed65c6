// leave_one_out on the CPU harness against the CPU kernel.

#include "kernels/cuda/leave_one_out.cuh"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/leave_one_out.h"
#include "tests/cuda/check.h"

namespace {

using tegnas::test::expect;
using tegnas::test::expect_near;
using Numbers = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Results {
  Numbers inflations, errors;
};

Results run(const Numbers& kernels, int64_t batch, int n) {
  Results results{Numbers(batch, -12345), Numbers(batch, -12345)};
  tegnas::cuda::leave_one_out_sums(tegnas::cuda::Stream(), kernels.data(), batch, n,
                                   results.inflations.data(), results.errors.data());
  return results;
}

Numbers grams(int64_t batch, int n, int columns) {
  std::mt19937_64 random(n + columns);
  Numbers out;
  for (int64_t b = 0; b < batch; ++b) {
    const Numbers rows = tegnas::test::normal<double>(random, n * columns);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int k = 0; k < columns; ++k) sum += rows[i * columns + k] * rows[j * columns + k];
        out.push_back(sum * (1 + i) * (1 + j));
      }
    }
  }
  return out;
}

void agrees(int n) {
  constexpr int64_t kBatch = 2;
  const Numbers kernels = grams(kBatch, n, 2 * n + 3);
  Results expected{Numbers(kBatch), Numbers(kBatch)};
  tegnas::cpu::leave_one_out(kernels.data(), kBatch, n, tegnas::serial_for,
                             expected.inflations.data(), expected.errors.data());
  const Results got = run(kernels, kBatch, n);
  for (int64_t b = 0; b < kBatch; ++b) {
    const std::string with = " with n = " + std::to_string(n);
    expect_near(got.inflations[b] / expected.inflations[b], 1, 1e-11, "inflation" + with);
    expect_near(got.errors[b] / expected.errors[b], 1, 1e-11, "error" + with);
  }
}

void sizes() {
  tegnas::test::in_every_order([] {
    for (int n : {1, 2, 7, 33}) agrees(n);
  });
  agrees(64);
  agrees(128);
}

void bad_kernels_are_infinite() {
  constexpr int n = 6;
  Numbers kernels = grams(1, n, 3);  // rank 3
  const auto fails = [&](const std::string& why) {
    const Results got = run(kernels, 1, n);
    expect(got.inflations[0] == kInfinity && got.errors[0] == kInfinity, why);
  };
  fails("rank 3 of 6");
  kernels = grams(1, n, 2 * n);
  kernels[n] = NAN;
  fails("NaN");
  kernels[n] = 0;
  kernels[0] = 0;
  fails("a gradient of length zero");
}

void an_empty_batch_launches_nothing() {
  tegnas::cuda::harness::launches().clear();
  run({}, 0, 4);
  expect(tegnas::cuda::harness::launches().empty(), "no launch");
}

}  // namespace

int main() {
  return tegnas::test::run_all(
      {{"sizes", sizes},
       {"bad kernels are infinite", bad_kernels_are_infinite},
       {"an empty batch launches nothing", an_empty_batch_launches_nothing}});
}
