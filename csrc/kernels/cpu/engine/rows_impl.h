// Rows of pixels: where they lie and how a view or a gradient is read.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

using namespace tegnas::engine;

template <typename T>
using Batch = EngineBatch<T>;
template <typename T>
using Scratch = EngineScratch<T>;

template <typename T>
inline int64_t padded(const Batch<T>& batch) {
  return batch.blocks * lanes<T>;
}

// How many lanes of a block hold an image.
template <typename T>
inline int64_t valid_lanes(const Batch<T>& batch, int64_t block) {
  const int64_t left = batch.images - block * lanes<T>;
  return left < lanes<T> ? left : lanes<T>;
}

// Row y of channel c; also the start of the plane (y = 0) or of the block (c = y = 0).
template <typename T>
inline T* row_of(const Batch<T>& batch, int32_t number, int64_t block, int64_t c, int64_t y) {
  const Buffer& b = batch.plan->buffers.data[number];
  const int64_t in_block = (c * b.h + y) * b.w * lanes<T>;
  if (b.place == Place::local) return batch.local + b.offset * lanes<T> + in_block;
  const int64_t at = block * b.c * b.h * b.w * lanes<T> + in_block;
  if (b.place == Place::input) return const_cast<T*>(batch.input) + at;
  if (b.place == Place::stem) {
    return const_cast<T*>(batch.stem) + b.offset * batch.blocks * lanes<T> + at;
  }
  if (b.place == Place::padded_input) return const_cast<T*>(batch.padded_input) + at;
  T* memory = b.place == Place::gradients ? batch.gradients : batch.values;
  return memory + b.offset * batch.blocks * lanes<T> + at;
}

// work(y, rows) for every strip of a channel.
template <typename Work>
inline void for_strips(int64_t height, int64_t width, const Work& work) {
  const int64_t step = strip_rows(width);
  for (int64_t y = 0; y < height; y += step) work(y, step < height - y ? step : height - y);
}

// Sums that are kept beside each other, so that an addition does not wait for the one before it.
constexpr int kSums = TEGNAS_REGISTERS < 4 ? 4 / TEGNAS_REGISTERS : 1;

template <typename V>
inline V sum_of(const V (&sums)[kSums]) {
  if constexpr (kSums == 4) return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  if constexpr (kSums == 2) return sums[0] + sums[1];
  return sums[0];
}

// Keeps the compiler from reading a vector from memory again for each of its uses: a few registers
// hold what would otherwise take a load for every multiply-add.
template <typename V>
inline void keep_in_register(V& v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
}

// NaN stays NaN.
template <typename T>
inline Vec<T> relu(Vec<T> v) {
  const Vec<T> zero = {};
  return select(zero > v, zero, v);
}

// y = (x - mean) * scale + shift, so that a constant channel gives exactly its shift.
template <typename T>
struct Affine {
  T mean, scale, shift;
};

template <typename T>
inline T* norm_means(const Batch<T>& b) {
  return b.norms;
}
template <typename T>
inline T* norm_inverses(const Batch<T>& b) {
  return b.norms + b.plan->norm_channels;
}
template <typename T>
inline T* norm_scales(const Batch<T>& b) {
  return b.norms + 2 * b.plan->norm_channels;
}
template <typename T>
inline T* norm_shifts(const Batch<T>& b) {
  return b.norms + 3 * b.plan->norm_channels;
}

template <typename T>
inline Affine<T> affine_of(const Batch<T>& batch, int32_t norm, int64_t c) {
  const int64_t at = batch.plan->norms.data[norm].coefficients + c;
  return {norm_means(batch)[at], norm_scales(batch)[at], norm_shifts(batch)[at]};
}

// Rows [y, y + rows) of channel c of a view; written, or added to what is there. The rows of `to`
// lie `to_row` numbers apart.
template <typename T, bool kAdd>
inline void put_view_rows(const Batch<T>& batch, const View& view, int64_t block, int64_t c,
                          int64_t y, int64_t rows, T* to, int64_t to_row) {
  const T* from = row_of(batch, view.buffer, block, c, y);
  int64_t count = batch.plan->buffers.data[view.buffer].w * lanes<T>;
  if (to_row == count) count *= rows, rows = 1;
  const auto each = [&](const auto& seen) {
    for (; rows > 0; --rows, from += count, to += to_row) {
      for (int64_t k = 0; k < count; k += lanes<T>) {
        const Vec<T> v = seen(load(from + k));
        store(to + k, kAdd ? load(to + k) + v : v);
      }
    }
  };
  if (view.norm < 0) {
    if (view.relu) return each([](Vec<T> v) { return relu<T>(v); });
    return each([](Vec<T> v) { return v; });
  }
  const Affine<T> a = affine_of(batch, view.norm, c);
  if (view.relu) return each([&](Vec<T> v) { return relu<T>((v - a.mean) * a.scale + a.shift); });
  each([&](Vec<T> v) { return (v - a.mean) * a.scale + a.shift; });
}

template <typename T>
inline void copy_view_row(const Batch<T>& batch, const View& view, int64_t block, int64_t c,
                          int64_t y, T* to) {
  put_view_rows<T, false>(batch, view, block, c, y, 1, to, 0);
}

// The row itself where nothing has to be done to it, otherwise its numbers in `scratch`.
template <typename T>
inline const T* view_row(const Batch<T>& batch, const View& view, int64_t block, int64_t c,
                         int64_t y, T* scratch) {
  if (view.norm < 0 && !view.relu) return row_of(batch, view.buffer, block, c, y);
  copy_view_row(batch, view, block, c, y, scratch);
  return scratch;
}

// Whether a view has a pixel for every one of a buffer; otherwise it has one for all.
template <typename T>
inline bool has_size_of(const Batch<T>& batch, const View& view, const Buffer& other) {
  const Buffer& b = batch.plan->buffers.data[view.buffer];
  return b.h == other.h && b.w == other.w;
}

template <typename T>
inline void zero_row(T* row, int64_t pixels) {
  for (int64_t k = 0; k < pixels * lanes<T>; k += lanes<T>) store(row + k, Vec<T>{});
}

template <typename T>
inline void add_pixels(T* to, const T* from, int64_t pixels) {
  for (int64_t k = 0; k < pixels * lanes<T>; k += lanes<T>)
    store(to + k, load(to + k) + load(from + k));
}

template <typename T>
inline int64_t columns_of(const Batch<T>& batch, int32_t buffer) {
  return batch.plan->buffers.data[buffer].w;
}

// A gradient without the scale of its norm, which is folded into weights. With constant
// statistics that is the gradient itself; in coupled mode the gradient of the norm's input is
// scale * (g + p x + q) with p and q that make it orthogonal to the norm's output and to 1.
template <typename T>
inline void copy_unscaled_gradient_row(const Batch<T>& batch, const GradRef& ref, int64_t block,
                                       int64_t c, int64_t y, T* to) {
  const T* g = row_of(batch, ref.buffer, block, c + ref.channel, y);
  const int64_t count = columns_of(batch, ref.buffer) * lanes<T>;
  if (ref.norm < 0 || batch.links == nullptr) {
    for (int64_t k = 0; k < count; k += lanes<T>) store(to + k, load(g + k));
    return;
  }
  const Norm& norm = batch.plan->norms.data[ref.norm];
  const T p = batch.links[norm.coefficients + c];
  const T q = batch.links[batch.plan->norm_channels + norm.coefficients + c];
  const T* x = row_of(batch, norm.buffer, block, c, y);
  for (int64_t k = 0; k < count; k += lanes<T>) store(to + k, load(g + k) + (load(x + k) * p + q));
}

template <typename T>
inline const T* gradient_row(const Batch<T>& batch, const GradRef& ref, int64_t block, int64_t c,
                             int64_t y, T* scratch) {
  if (ref.norm < 0) return row_of(batch, ref.buffer, block, c + ref.channel, y);
  copy_unscaled_gradient_row(batch, ref, block, c, y, scratch);
  const T scale = norm_scales(batch)[batch.plan->norms.data[ref.norm].coefficients + c];
  const int64_t count = columns_of(batch, ref.buffer) * lanes<T>;
  for (int64_t k = 0; k < count; k += lanes<T>) store(scratch + k, load(scratch + k) * scale);
  return scratch;
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
