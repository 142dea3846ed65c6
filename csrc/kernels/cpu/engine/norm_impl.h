// Batch statistics: channel sums kept while rows are written, and the coefficients they give.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/rows_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Sums are of differences from the channel's first number, so that the variance does not cancel
// where it is small beside the mean; a constant channel has variance zero.
template <typename T>
inline T pivot_of(const Batch<T>& batch, int32_t buffer, int64_t c) {
  return *row_of(batch, buffer, 0, c, 0);
}

// Adds a strip to the sums of its channel. A strip is summed in T, strips in float64.
template <typename T>
inline void add_statistics(const Batch<T>& batch, int32_t buffer, int64_t block, int64_t c,
                           const T* strip, int64_t pixels) {
  const Buffer& b = batch.plan->buffers.data[buffer];
  const Vec<T> pivot = broadcast(pivot_of(batch, buffer, c));
  Vec<T> sums[kSums] = {}, squares[kSums] = {};
  const auto add = [&](const T* from, int i) {
    const Vec<T> v = load(from) - pivot;
    sums[i] += v;
    squares[i] += v * v;
  };
  const T* end = strip + pixels * lanes<T>;
  for (; strip + kSums * lanes<T> <= end; strip += kSums * lanes<T>) {
#pragma GCC unroll 4
    for (int i = 0; i < kSums; ++i) add(strip + i * lanes<T>, i);
  }
  for (; strip < end; strip += lanes<T>) add(strip, 0);
  T s[lanes<T>], q[lanes<T>];
  store(s, sum_of(sums));
  store(q, sum_of(squares));
  double* to = batch.stats + (b.stats + c) * 2 * lanes<T>;
  const int64_t valid = valid_lanes(batch, block);
  if (valid == lanes<T>) {
    for (int k = 0; k < lanes<T>; ++k) to[k] += s[k];
    for (int k = 0; k < lanes<T>; ++k) to[lanes<T> + k] += q[k];
  } else {
    for (int64_t k = 0; k < valid; ++k) to[k] += s[k];
    for (int64_t k = 0; k < valid; ++k) to[lanes<T> + k] += q[k];
  }
}

template <typename T>
void statistics_step(const Batch<T>& batch, int32_t buffer) {
  const Buffer& b = batch.plan->buffers.data[buffer];
  for (int64_t block = 0; block < batch.blocks; ++block) {
    for (int64_t c = 0; c < b.c; ++c) {
      for_strips(b.h, b.w, [&](int64_t y, int64_t rows) {
        add_statistics(batch, buffer, block, c, row_of(batch, buffer, block, c, y), rows * b.w);
      });
    }
  }
}

template <typename T>
void normalise_step(const Batch<T>& batch, int32_t number) {
  const Norm& norm = batch.plan->norms.data[number];
  const Buffer& b = batch.plan->buffers.data[norm.buffer];
  const double count = static_cast<double>(batch.images * b.h * b.w);
  for (int64_t c = 0; c < norm.channels; ++c) {
    const double* sums = batch.stats + (b.stats + c) * 2 * lanes<T>;
    double sum = 0, squares = 0;
    for (int k = 0; k < lanes<T>; ++k) {
      sum += sums[k];
      squares += sums[lanes<T> + k];
    }
    const double shifted = sum / count;
    const double mean = pivot_of(batch, norm.buffer, c) + shifted;
    double variance = squares / count - shifted * shifted;
    if (variance < 0) variance = 0;
    const double inverse = 1 / __builtin_sqrt(variance + norm.eps);
    const double weight = norm.weight < 0 ? 1 : batch.params[norm.weight + c];
    const int64_t at = norm.coefficients + c;
    norm_means(batch)[at] = static_cast<T>(mean);
    norm_inverses(batch)[at] = static_cast<T>(inverse);
    norm_scales(batch)[at] = static_cast<T>(weight * inverse);
    norm_shifts(batch)[at] = norm.bias < 0 ? 0 : batch.params[norm.bias + c];
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
