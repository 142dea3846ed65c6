// Activation patterns of a batch, once it went forward, as rows of 64-bit words.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/engine/executor.h"

namespace tegnas::cpu {

// 64-bit words of a pattern.
inline int64_t pattern_words(const engine::Plan& plan) { return (plan.words + 1) / 2; }

// Appends a row for each image.
template <typename T>
void append_patterns(const EngineBatch<T>& batch, int64_t lanes, std::vector<uint64_t>& rows) {
  const int64_t padded = batch.blocks * lanes, words = pattern_words(*batch.plan);
  const int64_t first = static_cast<int64_t>(rows.size());
  rows.resize(first + batch.images * words, 0);
  for (int64_t w = 0; w < batch.plan->words; ++w) {
    const uint32_t* from = batch.words + w * padded;
    uint64_t* to = rows.data() + first + w / 2;
    for (int64_t i = 0; i < batch.images; ++i)
      to[i * words] |= static_cast<uint64_t>(from[i]) << w % 2 * 32;
  }
}

}  // namespace tegnas::cpu
