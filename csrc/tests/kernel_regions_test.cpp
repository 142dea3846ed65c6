// Signs as bits, and distinct rows, against one bit and one pair at a time.

#include <limits>
#include <set>

#include "kernel_check.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/regions.h"

namespace tegnas::test {
namespace {

bool bit(const std::vector<uint64_t>& words, int64_t row_words, int64_t input, int64_t feature) {
  return words[input * row_words + feature / 64] >> (feature % 64) & 1;
}

void bits_of_several_layers() {
  const int64_t inputs = 5;
  for (int64_t features : {1, 3, 63, 64, 65, 130, 515}) {
    const std::vector<float> a = normal<float>(inputs * features, features);
    const std::vector<double> b = normal<double>(features * inputs, features + 1);
    std::vector<uint8_t> c(inputs * features);
    for (size_t i = 0; i < c.size(); ++i) c[i] = a[i] < 0;
    // The second lies with the input index innermost, the third has two feature dimensions.
    const std::vector<cpu::Activations> layers = {
        {cpu::SignType::float32, a.data(), features, {features}, {1}},
        {cpu::SignType::float64, b.data(), 1, {features}, {inputs}},
        {cpu::SignType::boolean, c.data(), features, {1, features}, {7, 1}},
        {cpu::SignType::float32, a.data(), 0, {0}, {1}},
    };
    const int64_t words = cpu::words_for(3 * features);
    std::vector<uint64_t> packed(inputs * words), shuffled(inputs * words);
    cpu::pack_signs(layers, inputs, serial_for, packed.data());
    cpu::pack_signs(layers, inputs, shuffled_for, shuffled.data());
    CHECK(packed == shuffled);
    for (int64_t i = 0; i < inputs; ++i) {
      for (int64_t f = 0; f < features; ++f) {
        CHECK(bit(packed, words, i, f) == (a[i * features + f] > 0));
        CHECK(bit(packed, words, i, features + f) == (b[f * inputs + i] > 0));
        CHECK(bit(packed, words, i, 2 * features + f) == (a[i * features + f] < 0));
      }
      for (int64_t f = 3 * features; f < words * 64; ++f) CHECK(!bit(packed, words, i, f));
    }
  }
}

void zeros_and_nans_are_not_positive() {
  const double values[] = {0.0,
                           -0.0,
                           std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(),
                           5e-324};
  uint64_t word = 0;
  cpu::pack_signs({{cpu::SignType::float64, values, 6, {6}, {1}}}, 1, serial_for, &word);
  CHECK(word == 0b101000);
}

void distinct_rows() {
  std::mt19937_64 generator(1);
  for (int64_t words : {0, 1, 2, 5, 9}) {
    for (int64_t count : {0, 1, 7, 500}) {
      std::vector<uint64_t> rows(count * words);
      for (uint64_t& word : rows) word = generator() % 3;
      std::set<std::vector<uint64_t>> set;
      for (int64_t i = 0; i < count; ++i) {
        set.emplace(rows.begin() + i * words, rows.begin() + (i + 1) * words);
      }
      CHECK(cpu::count_distinct(rows.data(), count, words) == static_cast<int64_t>(set.size()));
    }
  }
}

void bits_that_differ() {
  std::mt19937_64 generator(2);
  for (int64_t words : {0, 1, 3, 40}) {
    for (int64_t count : {0, 1, 2, 5, 8, 11}) {
      std::vector<uint64_t> rows(count * words);
      for (uint64_t& word : rows) word = generator();
      std::vector<int64_t> distances(count * count, -1);
      cpu::kernels().row_distances(rows.data(), count, words, distances.data());
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t j = 0; j < count; ++j) {
          int64_t differ = 0;
          for (int64_t f = 0; f < 64 * words; ++f) {
            differ += bit(rows, words, i, f) != bit(rows, words, j, f);
          }
          CHECK(distances[i * count + j] == differ);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tegnas::test

int main() {
  using namespace tegnas::test;
  if (!has_simd()) return kSkipped;
  bits_of_several_layers();
  zeros_and_nans_are_not_positive();
  distinct_rows();
  bits_that_differ();
  return finish("kernel_regions_test");
}
