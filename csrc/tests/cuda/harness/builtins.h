// The words of the CUDA language that kernels use, under their own names.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tests/cuda/harness/block.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

inline tegnas::cuda::harness::Index threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
constexpr int warpSize = tegnas::cuda::harness::kWarp;

// The default arguments tell the harness where a call stands in the kernel.
#define TEGNAS_HARNESS_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(TEGNAS_HARNESS_PLACE) {
  tegnas::cuda::harness::block().barrier({file, line});
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, TEGNAS_HARNESS_PLACE) {
  tegnas::cuda::harness::block().exchange(mask, 0, "__syncwarp", {file, line});
}

namespace tegnas::cuda::harness {

template <typename T>
uint64_t bits_of(T value) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

// What lane `from` brought; a lane outside of the mask has brought nothing.
template <typename T>
T fetch(unsigned mask, T value, int from, const char* kind, Place place) {
  const uint64_t* values = block().exchange(mask, bits_of(value), kind, place);
  if (!(mask >> from & 1)) block().fail(std::string(kind) + " from a lane that is not in the mask");
  T result;
  std::memcpy(&result, &values[from], sizeof(T));
  return result;
}

}  // namespace tegnas::cuda::harness

template <typename T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32, TEGNAS_HARNESS_PLACE) {
  const int lane = tegnas::cuda::harness::block().lane();
  const int first = lane / width * width;
  return tegnas::cuda::harness::fetch(mask, value, first + (from & (width - 1)), "__shfl_sync",
                                      {file, line});
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, TEGNAS_HARNESS_PLACE) {
  const int lane = tegnas::cuda::harness::block().lane();
  const int from = lane ^ lanes;
  return tegnas::cuda::harness::fetch(mask, value, from / width > lane / width ? lane : from,
                                      "__shfl_xor_sync", {file, line});
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, TEGNAS_HARNESS_PLACE) {
  const int lane = tegnas::cuda::harness::block().lane();
  const int from = lane % width + static_cast<int>(by) < width ? lane + static_cast<int>(by) : lane;
  return tegnas::cuda::harness::fetch(mask, value, from, "__shfl_down_sync", {file, line});
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, TEGNAS_HARNESS_PLACE) {
  const int lane = tegnas::cuda::harness::block().lane();
  const int from = lane % width >= static_cast<int>(by) ? lane - static_cast<int>(by) : lane;
  return tegnas::cuda::harness::fetch(mask, value, from, "__shfl_up_sync", {file, line});
}

inline unsigned __ballot_sync(unsigned mask, int predicate, TEGNAS_HARNESS_PLACE) {
  const uint64_t* values =
      tegnas::cuda::harness::block().exchange(mask, predicate != 0, "__ballot_sync", {file, line});
  unsigned bits = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if (mask >> lane & 1) bits |= static_cast<unsigned>(values[lane]) << lane;
  }
  return bits;
}

inline int __any_sync(unsigned mask, int predicate, TEGNAS_HARNESS_PLACE) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}

inline int __all_sync(unsigned mask, int predicate, TEGNAS_HARNESS_PLACE) {
  return __ballot_sync(mask, predicate, file, line) == mask;
}

inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __popcll(unsigned long long value) { return __builtin_popcountll(value); }
inline int __ffs(int value) { return __builtin_ffs(value); }
inline int __ffsll(long long value) { return __builtin_ffsll(value); }
inline int __clz(int value) { return value == 0 ? 32 : __builtin_clz(value); }
inline int __clzll(long long value) { return value == 0 ? 64 : __builtin_clzll(value); }

template <typename T>
T __ldg(const T* address) {
  return *address;
}

// Atomics on global memory: one fiber runs at a time, so they are plain. For int, unsigned and
// unsigned long long, as in kernels that must give the same numbers every time.
template <typename T>
T atomicAdd(T* address, T value) {
  static_assert(std::is_integral_v<T>, "floating-point atomics depend on the order of threads");
  const T old = *address;
  *address = old + value;
  return old;
}
template <typename T>
T atomicMax(T* address, T value) {
  const T old = *address;
  if (value > old) *address = value;
  return old;
}
template <typename T>
T atomicCAS(T* address, T expected, T value) {
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}
