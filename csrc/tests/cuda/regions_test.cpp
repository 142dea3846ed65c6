// pack_signs, count_regions and pattern_distances on the CPU harness against the CPU kernels.

#include "kernels/cpu/regions.h"

#include <algorithm>

#include "kernels/cpu/kernels.h"
#include "kernels/cuda/count_regions.cuh"
#include "kernels/cuda/pack_signs.cuh"
#include "kernels/cuda/pattern_distances.cuh"
#include "tests/cuda/check.h"

namespace {

using tegnas::cuda::Stream;
using tegnas::cuda::regions::Key;
using tegnas::cuda::regions::Patterns;
using tegnas::test::expect;

template <typename T>
std::vector<T> draw(std::mt19937_64& random, size_t count) {
  std::vector<T> values = tegnas::test::normal<T>(random, count);
  for (size_t i = 0; i < count; i += 5) values[i] = T(i % 10 == 0 ? 0.0 : -0.0);
  if (count > 3) values[3] = T(NAN);
  return values;
}
template <>
std::vector<uint8_t> draw(std::mt19937_64& random, size_t count) {
  std::vector<uint8_t> values(count);
  for (uint8_t& value : values) value = random() % 2;
  return values;
}

template <typename T>
void packs_like_the_cpu(tegnas::cpu::SignType type, const std::vector<int64_t>& sizes,
                        int64_t inputs) {
  std::mt19937_64 random(sizes.size() + inputs);
  std::vector<std::vector<T>> layers;
  std::vector<tegnas::cpu::Activations> activations;
  int64_t features = 0;
  for (int64_t size : sizes) {
    layers.push_back(draw<T>(random, inputs * size));
    features += size;
  }
  for (size_t l = 0; l < sizes.size(); ++l) {
    activations.push_back({type, layers[l].data(), sizes[l], {sizes[l]}, {1}});
  }
  const int64_t words = tegnas::cpu::words_for(features);
  std::vector<uint64_t> expected(inputs * words), got(inputs * words, 0xABABABABABABABABu);
  tegnas::cpu::pack_signs(activations, inputs, tegnas::serial_for, expected.data());
  int64_t first = 0;
  for (size_t l = 0; l < sizes.size(); ++l) {
    tegnas::cuda::pack_signs(Stream(), layers[l].data(), inputs, sizes[l], first,
                             l + 1 == sizes.size(), 2 * words,
                             reinterpret_cast<uint32_t*>(got.data()));
    first += sizes[l];
  }
  expect(got == expected, "packed signs of " + std::to_string(sizes.size()) + " layers");
}

void packing() {
  tegnas::test::in_every_order([] {
    for (const auto& sizes : std::vector<std::vector<int64_t>>{{1},
                                                               {32},
                                                               {64},
                                                               {65},
                                                               {9, 9, 9},
                                                               {31, 1, 32, 5},
                                                               {70, 0, 3},
                                                               {40, 0},
                                                               {0},
                                                               {129, 200}}) {
      packs_like_the_cpu<float>(tegnas::cpu::SignType::float32, sizes, 7);
      packs_like_the_cpu<double>(tegnas::cpu::SignType::float64, sizes, 3);
      packs_like_the_cpu<uint8_t>(tegnas::cpu::SignType::boolean, sizes, 2);
    }
    packs_like_the_cpu<float>(tegnas::cpu::SignType::float32, {9}, 0);
  });
}

std::vector<int64_t> count(const std::vector<uint64_t>& rows, int64_t networks, int64_t inputs,
                           int64_t words, bool useless_hash) {
  const Patterns patterns{rows.data(), inputs, words};
  std::vector<Key> keys(networks * inputs);
  tegnas::cuda::hash_rows(Stream(), patterns, networks, keys.data());
  if (useless_hash) {
    for (Key& key : keys) key.high = key.low = 0;
  }
  std::sort(keys.begin(), keys.end(), tegnas::cuda::regions::RowOrder{patterns});
  std::vector<int64_t> counts(networks, -1);
  tegnas::cuda::count_sorted(Stream(), patterns, networks, keys.data(), counts.data());
  return counts;
}

void counting() {
  std::mt19937_64 random(3);
  tegnas::test::in_every_order([&] {
    for (int64_t words : {1, 40}) {
      for (int64_t inputs : {1, 2, 300}) {
        constexpr int64_t kNetworks = 3;
        std::vector<uint64_t> rows(kNetworks * inputs * words, 0);
        // Rows that differ in one bit at most, many of them equal.
        for (int64_t row = 0; row < kNetworks * inputs; ++row) {
          rows[row * words + random() % words] = uint64_t{1} << (random() % 64);
        }
        for (const bool useless_hash : {false, true}) {
          const auto counts = count(rows, kNetworks, inputs, words, useless_hash);
          for (int64_t b = 0; b < kNetworks; ++b) {
            expect(
                counts[b] == tegnas::cpu::count_distinct(&rows[b * inputs * words], inputs, words),
                "distinct rows");
          }
        }
      }
    }
  });
}

void distances() {
  std::mt19937_64 random(5);
  tegnas::test::in_every_order([&] {
    for (int64_t words : {0, 1, 31, 32, 33, 70}) {
      for (int64_t inputs : {0, 1, 15, 16, 17, 40}) {
        constexpr int64_t kNetworks = 2;
        std::vector<uint64_t> rows(kNetworks * inputs * words);
        for (uint64_t& word : rows) word = random();
        std::vector<int64_t> got(kNetworks * inputs * inputs, -1), expected(got.size());
        tegnas::cuda::pattern_distances(Stream(), {rows.data(), inputs, words}, kNetworks,
                                        got.data());
        for (int64_t b = 0; b < kNetworks; ++b) {
          tegnas::cpu::kernels().row_distances(rows.data() + b * inputs * words, inputs, words,
                                               expected.data() + b * inputs * inputs);
        }
        expect(got == expected, "distances of " + std::to_string(inputs) + " rows");
      }
    }
  });
}

void empty_inputs() {
  expect(count({}, 2, 0, 3, false) == std::vector<int64_t>({0, 0}), "no inputs: no regions");
  expect(count({}, 0, 5, 3, false).empty(), "no networks");
  expect(count({}, 1, 5, 0, false) == std::vector<int64_t>({1}), "no features: one region");
}

}  // namespace

int main() {
  return tegnas::test::run_all({{"packing", packing},
                                {"counting", counting},
                                {"distances", distances},
                                {"empty inputs", empty_inputs}});
}
