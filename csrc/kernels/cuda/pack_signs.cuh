// Signs of activations as bits, by ballot: one warp per 32 features of an input.
//
// Bound by memory: every activation is read once, 32 neighbouring ones per warp (128 bytes of
// float32), and a bit of it is written. Blocks of 8 warps, 2048 threads per SM, no shared memory.
// Layers are launched one after the other, so that a word two layers meet in needs no atomics: the
// later one reads it and adds its bits.
#pragma once

#include <cstdint>

#include "kernels/cuda/block.cuh"

namespace tegnas::cuda {
namespace signs {

constexpr int kThreads = 256;
constexpr int kBits = 32;

// A layer's place in the patterns: bits [first, first + features), and the 32-bit words
// [first_word, end_word) that it writes, of which all bits it doesn't own and no earlier layer
// owns become 0.
struct Place {
  int64_t first, features, first_word, end_word;
};

template <typename T>
__global__ void __launch_bounds__(kThreads)
    kernel(const T* activations, int64_t inputs, Place place, int64_t words, uint32_t* patterns) {
  const int lane = threadIdx.x % kWarpSize;
  const int64_t warp = (int64_t{blockIdx.x} * kThreads + threadIdx.x) / kWarpSize;
  const int64_t own_words = place.end_word - place.first_word;
  const int64_t input = warp / own_words;
  if (input >= inputs) return;
  const int64_t word = place.first_word + warp % own_words;
  const int64_t feature = word * kBits + lane - place.first;
  const bool positive = feature >= 0 && feature < place.features &&
                        activations[input * place.features + feature] > T(0);
  const unsigned bits = __ballot_sync(kAllLanes, positive);
  if (lane != 0) return;
  uint32_t* to = patterns + input * words + word;
  *to = word * kBits < place.first ? *to | bits : bits;
}

}  // namespace signs

// activations (inputs, features), contiguous, become the bits [first, first + features) of the
// patterns (inputs, words of 32 bits). Layers in order of `first`; with `last` the rest is cleared.
template <typename T>
void pack_signs(const Stream& stream, const T* activations, int64_t inputs, int64_t features,
                int64_t first, bool last, int64_t words, uint32_t* patterns) {
  const int64_t end = last ? words : ceil_div(first + features, signs::kBits);
  const signs::Place place{first, features, first / signs::kBits, end};
  const int64_t warps = inputs * (end - place.first_word);
  if (warps == 0 || (features == 0 && !last)) return;
  const int64_t blocks = ceil_div(warps, signs::kThreads / kWarpSize);
  stream.launch("pack_signs", dim3(static_cast<unsigned>(blocks)), dim3(signs::kThreads), 0,
                signs::kernel<T>, activations, inputs, place, words, patterns);
}

}  // namespace tegnas::cuda
