// How many rows of bits differ: hash each row, sort, count where neighbours differ.
//
// The order that is sorted by goes on, where the hashes of 128 bits agree, to compare the rows
// themselves; so equal rows, and only these, end up side by side, whatever the hash does. The sort
// itself is CUB's (count_regions.cu); everything else is here.
//
// Hashing reads every row once, a warp per row, 256 bytes at a time: bound by memory. Counting has
// one block per network, whose rows lie one after the other after the sort; it reads the 24 bytes
// of every key, and rows only where hashes agree.
#pragma once

#include <cstdint>

#include "kernels/cuda/block.cuh"

namespace tegnas::cuda {
namespace regions {

constexpr int kThreads = 256;

struct Key {
  uint64_t high, low;
  int32_t network, row;
};

struct Patterns {
  const uint64_t* data;  // (networks, inputs, words)
  int64_t inputs, words;

  __host__ __device__ const uint64_t* row(const Key& key) const {
    return data + (key.network * inputs + key.row) * words;
  }
};

__host__ __device__ inline bool same_hash(const Key& a, const Key& b) {
  return a.high == b.high && a.low == b.low;
}

// Strict order of the keys of all networks in which only equal rows of one network tie.
struct RowOrder {
  Patterns patterns;

  __host__ __device__ bool operator()(const Key& a, const Key& b) const {
    if (a.network != b.network) return a.network < b.network;
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    if (a.row == b.row) return false;
    const uint64_t *left = patterns.row(a), *right = patterns.row(b);
    for (int64_t w = 0; w < patterns.words; ++w) {
      if (left[w] != right[w]) return left[w] < right[w];
    }
    return false;
  }
};

// A bijection that spreads every bit (the finaliser of SplitMix64, Steele et al. 2014).
__host__ __device__ inline uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

__global__ void __launch_bounds__(kThreads)
    hash_kernel(Patterns patterns, int64_t rows, Key* keys) {
  const int lane = threadIdx.x % kWarpSize;
  const int64_t row = (int64_t{blockIdx.x} * kThreads + threadIdx.x) / kWarpSize;
  if (row >= rows) return;
  unsigned long long high = 0, low = 0;
  for (int64_t w = lane; w < patterns.words; w += kWarpSize) {
    // Sums of words mixed with their place: the same whichever lane adds first.
    const uint64_t once =
        mix(patterns.data[row * patterns.words + w] + 0x9E3779B97F4A7C15u * (w + 1));
    high += once;
    low += mix(once ^ 0xD1B54A32D192ED03u);
  }
  high = warp_sum(high);
  low = warp_sum(low);
  if (lane != 0) return;
  keys[row] = Key{high, low, static_cast<int32_t>(row / patterns.inputs),
                  static_cast<int32_t>(row % patterns.inputs)};
}

__global__ void __launch_bounds__(kThreads)
    count_kernel(Patterns patterns, const Key* sorted, int64_t* counts) {
  TEGNAS_SHARED(int, partial, kThreads / kWarpSize);
  const Key* keys = sorted + blockIdx.x * patterns.inputs;
  const RowOrder before{patterns};
  int distinct = 0;
  for (int64_t i = threadIdx.x; i < patterns.inputs; i += kThreads) {
    distinct += i == 0 || !same_hash(keys[i - 1], keys[i]) || before(keys[i - 1], keys[i]);
  }
  distinct = block_sum(distinct, partial);
  if (threadIdx.x == 0) counts[blockIdx.x] = distinct;
}

}  // namespace regions

inline void hash_rows(const Stream& stream, const regions::Patterns& patterns, int64_t networks,
                      regions::Key* keys) {
  const int64_t rows = networks * patterns.inputs;
  if (rows == 0) return;
  const int64_t blocks = ceil_div(rows, regions::kThreads / kWarpSize);
  stream.launch("hash_rows", dim3(static_cast<unsigned>(blocks)), dim3(regions::kThreads), 0,
                regions::hash_kernel, patterns, rows, keys);
}

inline void count_sorted(const Stream& stream, const regions::Patterns& patterns, int64_t networks,
                         const regions::Key* sorted, int64_t* counts) {
  if (networks == 0) return;
  stream.launch("count_sorted", dim3(static_cast<unsigned>(networks)), dim3(regions::kThreads), 0,
                regions::count_kernel, patterns, sorted, counts);
}

}  // namespace tegnas::cuda
