// pattern_rank on the CPU harness against the kernel of the CPU.

#include "kernels/cuda/pattern_rank.cuh"

#include "kernels/cpu/pattern_rank.h"
#include "tests/cuda/check.h"

namespace {

using tegnas::test::expect;
using tegnas::test::expect_near;

std::vector<double> on_harness(const std::vector<double>& distances, int64_t batch, int n) {
  std::vector<double> ranks(batch, -12345);
  tegnas::cuda::pattern_rank(tegnas::cuda::Stream(), distances.data(), batch, n, ranks.data());
  return ranks;
}

// In how many of 40 units n patterns differ of which `distinct` are drawn.
std::vector<double> distances(std::mt19937_64& random, int n, int distinct) {
  std::vector<uint64_t> patterns(n);
  for (int i = 0; i < n; ++i) {
    patterns[i] = i < distinct ? random() >> 24 : patterns[i % distinct];
  }
  std::vector<double> result(n * n);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      result[i * n + j] = __builtin_popcountll(patterns[i] ^ patterns[j]);
    }
  }
  return result;
}

void agrees(int n) {
  std::mt19937_64 random(n);
  std::vector<double> all;
  for (int distinct : {n, n / 3 + 1}) {
    const std::vector<double> one = distances(random, n, distinct);
    all.insert(all.end(), one.begin(), one.end());
  }
  std::vector<double> expected(2);
  tegnas::cpu::pattern_rank(all.data(), 2, n, tegnas::serial_for, expected.data());
  const std::vector<double> got = on_harness(all, 2, n);
  for (int b = 0; b < 2; ++b) {
    if (std::isnan(expected[b])) {
      expect(std::isnan(got[b]), "no rank where all patterns are one");
    } else {
      expect_near(got[b] / expected[b], 1, 1e-11, "n = " + std::to_string(n));
    }
  }
}

void sizes() {
  tegnas::test::in_every_order([] {
    for (int n : {1, 2, 3, 31, 33, 64}) agrees(n);
  });
  agrees(128);
}

void what_is_not_finite_has_no_rank() {
  std::mt19937_64 random(5);
  std::vector<double> all = distances(random, 6, 6);
  const std::vector<double> sound = all;
  all[1] = all[6] = NAN;
  all.insert(all.end(), sound.begin(), sound.end());
  const std::vector<double> got = on_harness(all, 2, 6);
  expect(std::isnan(got[0]), "NaN stays");
  expect(got[1] == on_harness(sound, 1, 6)[0], "and spoils no neighbour");
}

void nothing_is_launched_for_an_empty_batch() {
  tegnas::cuda::harness::launches().clear();
  on_harness({}, 0, 4);
  expect(tegnas::cuda::harness::launches().empty(), "no launch");
}

}  // namespace

int main() {
  return tegnas::test::run_all({
      {"sizes", sizes},
      {"what is not finite has no rank", what_is_not_finite_has_no_rank},
      {"nothing is launched for an empty batch", nothing_is_launched_for_an_empty_batch},
  });
}
