// In how many bits rows differ, for all pairs of rows of each network.
//
// A block has the pairs of two sets of 16 rows, a thread each pair; the words of the 32 rows come
// through shared memory, some at a time. Pairs below the diagonal are written with those above it.
#pragma once

#include <cstdint>

#include "kernels/cuda/block.cuh"

namespace tegnas::cuda {
namespace distances {

constexpr int kSide = 16;
constexpr int kThreads = kSide * kSide;
constexpr int kWords = 32;           // of a row at a time
constexpr int kStride = kWords + 1;  // so that neighbouring rows lie in different banks

struct Rows {
  const uint64_t* data;  // (networks, inputs, words)
  int64_t inputs, words;
};

__global__ void __launch_bounds__(kThreads) distances_kernel(Rows rows, int64_t* out) {
  TEGNAS_SHARED(uint64_t, shared, 2 * kSide * kStride);
  const int64_t first = int64_t{blockIdx.x} * kSide, second = int64_t{blockIdx.y} * kSide;
  if (second < first) return;  // the whole block
  const int64_t network = blockIdx.z;
  const uint64_t* data = rows.data + network * rows.inputs * rows.words;
  const int thread = static_cast<int>(threadIdx.x), left = thread / kSide, right = thread % kSide;
  int64_t sum = 0;
  for (int64_t from = 0; from < rows.words; from += kWords) {
    for (int k = thread; k < 2 * kSide * kWords; k += kThreads) {
      const int row = k / kWords, word = k % kWords;
      const int64_t input = row < kSide ? first + row : second + row - kSide;
      const bool inside = input < rows.inputs && from + word < rows.words;
      shared[row * kStride + word] = inside ? data[input * rows.words + from + word] : 0;
    }
    __syncthreads();
    for (int w = 0; w < kWords; ++w) {
      sum += __popcll(shared[left * kStride + w] ^ shared[(kSide + right) * kStride + w]);
    }
    __syncthreads();
  }
  const int64_t i = first + left, j = second + right;
  if (i >= rows.inputs || j >= rows.inputs) return;
  int64_t* to = out + network * rows.inputs * rows.inputs;
  if (first == second) {  // has both pairs itself
    to[i * rows.inputs + j] = sum;
  } else {
    to[i * rows.inputs + j] = to[j * rows.inputs + i] = sum;
  }
}

}  // namespace distances

// Blocks of a grid in its second and third dimension, at most.
constexpr int64_t kMostInGrid = 65535;

// out (networks, inputs, inputs).
inline void pattern_distances(const Stream& stream, const distances::Rows& rows, int64_t networks,
                              int64_t* out) {
  if (rows.inputs == 0) return;
  const auto side = static_cast<unsigned>(ceil_div(rows.inputs, distances::kSide));
  for (int64_t first = 0; first < networks; first += kMostInGrid) {
    const int64_t some = at_most(networks - first, kMostInGrid);
    const distances::Rows part{rows.data + first * rows.inputs * rows.words, rows.inputs,
                               rows.words};
    stream.launch("pattern_distances", dim3(side, side, static_cast<unsigned>(some)),
                  dim3(distances::kThreads), 0, distances::distances_kernel, part,
                  out + first * rows.inputs * rows.inputs);
  }
}

}  // namespace tegnas::cuda
