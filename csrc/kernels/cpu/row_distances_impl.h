// In how many bits rows differ, for all pairs of rows.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa/target.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {

// Pairs of one row that are counted beside each other: its words are loaded once for all of them.
constexpr int kPairs = 4;

template <int kCount>
inline void distances_to(const uint64_t* row, const uint64_t* others, int64_t words,
                         int64_t* distances) {
  int64_t sums[kCount] = {};
  for (int64_t w = 0; w < words; ++w) {
#pragma GCC unroll 4
    for (int k = 0; k < kCount; ++k) {
      sums[k] += __builtin_popcountll(row[w] ^ others[k * words + w]);
    }
  }
  for (int k = 0; k < kCount; ++k) distances[k] = sums[k];
}

// distances (count, count) of rows (count, words).
void row_distances(const uint64_t* rows, int64_t count, int64_t words, int64_t* distances) {
  for (int64_t i = 0; i < count; ++i) {
    int64_t* to = distances + i * count;
    const uint64_t* row = rows + i * words;
    to[i] = 0;
    int64_t j = i + 1;
    for (; j + kPairs <= count; j += kPairs) {
      distances_to<kPairs>(row, rows + j * words, words, to + j);
    }
    for (; j < count; ++j) distances_to<1>(row, rows + j * words, words, to + j);
    for (int64_t k = i + 1; k < count; ++k) distances[k * count + i] = to[k];
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
