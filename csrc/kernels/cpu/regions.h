// Linear regions: activation patterns as bits, and how many of them differ.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/parallel.h"

namespace tegnas::cpu {

enum class SignType { float32, float64, boolean };

// Activations of one layer: `features` values for each of the inputs, in the order of the sizes.
struct Activations {
  SignType type;
  const void* data;
  int64_t input_stride;
  std::vector<int64_t> sizes;    // of the feature dimensions
  std::vector<int64_t> strides;  // in elements

  int64_t features() const {
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    return count;
  }
};

constexpr int64_t words_for(int64_t bits) { return (bits + 63) / 64; }

// patterns (inputs, words_for(all features)): feature f of the layers one after the other is bit
// f % 64 of word f / 64, set where the value is positive. Unused bits are 0.
void pack_signs(const std::vector<Activations>& layers, int64_t inputs,
                const ParallelFor& parallel_for, uint64_t* patterns);

// How many of the rows (count, words) differ. Exact: rows of equal hash are compared in full.
int64_t count_distinct(const uint64_t* rows, int64_t count, int64_t words);

}  // namespace tegnas::cpu
