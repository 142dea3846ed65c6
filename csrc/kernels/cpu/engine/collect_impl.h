// The gradient of a buffer or of a norm's output, from the gradients of what reads it.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/instructions_impl.h"
#include "kernels/cpu/engine/rows_impl.h"
#include "kernels/cpu/engine/tap_conv_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Which logits are summed: of all images or one, all outputs or one (-1: all).
struct Seed {
  int64_t image, output;
};

template <typename T>
void add_seed(const Batch<T>& batch, const Seed& seed, int64_t block, int64_t c, T* to) {
  if (seed.output >= 0 && seed.output != c) return;
  const int64_t valid = valid_lanes(batch, block);
  for (int64_t k = 0; k < valid; ++k) {
    if (seed.image < 0 || seed.image == block * lanes<T> + k) to[k] += 1;
  }
}

// Adds what one consumer gives to row y of channel c of a gradient of shape `in`.
template <typename T>
void add_row_gradient(const Batch<T>& batch, const RowGradient& from, const Seed& seed,
                      int64_t block, int64_t c, int64_t y, const Shape& in, T* scratch, T* to) {
  switch (from.kind) {
    case RowKind::seed:
      add_seed(batch, seed, block, c, to);
      break;
    case RowKind::direct: {
      const T* g = gradient_row(batch, from.from, block, c, y, scratch);
      if (from.factor < 0) {
        add_pixels(to, g, in.w);
      } else {
        const T factor = batch.params[from.factor];
        for (int64_t k = 0; k < in.w * lanes<T>; k += lanes<T>) {
          store(to + k, load(to + k) + load(g + k) * factor);
        }
      }
      break;
    }
    case RowKind::instruction:
      add_instruction_gradient(batch, from, block, c, y, in, scratch, to);
      break;
  }
}

inline bool is_as_it_is(const RowGradient& from) {
  return from.kind == RowKind::direct && from.factor < 0 && from.from.norm < 0;
}

// The same for rows [y, y + rows).
template <typename T>
void add_row_gradients(const Batch<T>& batch, const RowGradient& from, const Seed& seed,
                       int64_t block, int64_t c, int64_t y, int64_t rows, const Shape& in,
                       T* scratch, T* to) {
  if (is_as_it_is(from)) {
    const T* g = row_of(batch, from.from.buffer, block, c + from.from.channel, y);
    return add_pixels(to, g, rows * in.w);
  }
  for (int64_t r = 0; r < rows; ++r, to += in.w * lanes<T>) {
    add_row_gradient(batch, from, seed, block, c, y + r, in, scratch, to);
  }
}

// Clears what a ReLU behind a norm did not let through.
template <typename T>
inline void mask_row(const Batch<T>& batch, const View& view, int64_t block, int64_t c, int64_t y,
                     T* row) {
  const int64_t count = columns_of(batch, view.buffer) * lanes<T>;
  const Vec<T> zero = {};
  const T* x = row_of(batch, view.buffer, block, c, y);
  const Affine<T> a = affine_of(batch, view.norm, c);
  for (int64_t k = 0; k < count; k += lanes<T>) {
    const Vec<T> seen = (load(x + k) - a.mean) * a.scale + a.shift;
    store(row + k, select(seen > zero, load(row + k), zero));
  }
}

// Clears the lanes of the last block that hold no image.
template <typename T>
inline void clear_missing_images(const Batch<T>& batch, int64_t block, int64_t pixels, T* row) {
  const int64_t valid = valid_lanes(batch, block);
  if (valid == lanes<T>) return;
  for (int64_t x = 0; x < pixels; ++x) {
    for (int64_t k = valid; k < lanes<T>; ++k) row[x * lanes<T> + k] = 0;
  }
}

// One pass over a finished strip of input gradients: the mask (its rows lie `mask_row` numbers
// apart), one gradient that is added as it is, and the sum of the strip.
template <typename T, bool kMask, bool kAdd>
inline Vec<T> finish_strip(const T* mask, int64_t mask_row, const T* add, int64_t rows,
                           int64_t count, T* strip) {
  Vec<T> sums[kSums] = {};
  const Vec<T> zero = {};
  if (!kMask || mask_row == count) count *= rows, rows = 1;
  const auto finish = [&](int64_t k, int i) {
    Vec<T> v = load(strip + k);
    if (kMask) v = select(load(mask + k) > zero, v, zero);
    if (kAdd) v += load(add + k);
    if (kMask || kAdd) store(strip + k, v);
    sums[i] += v;
  };
  for (; rows > 0; --rows) {
    int64_t k = 0;
    for (; k + kSums * lanes<T> <= count; k += kSums * lanes<T>) {
#pragma GCC unroll 4
      for (int i = 0; i < kSums; ++i) finish(k + i * lanes<T>, i);
    }
    for (; k < count; k += lanes<T>) finish(k, 0);
    strip += count;
    if (kMask) mask += mask_row;
    if (kAdd) add += count;
  }
  return sum_of(sums);
}

// The numbers whose sign is the mask, where they lie in memory as they are.
struct StoredMask {
  int32_t buffer;  // -1: none, the mask is computed from the view
  int64_t top, left;
};

inline StoredMask stored_mask(const Collect& collect) {
  if (collect.mask.buffer >= 0) return {collect.mask.buffer, collect.mask.top, collect.mask.left};
  return {collect.view.norm >= 0 ? -1 : collect.view.buffer, 0, 0};
}

// Rows [y, y + rows) of channel c after their convolutions (`written`): with `masked` the other
// consumers behind the ReLU and the mask, with `plain` those that do not pass it. Returns the sum.
template <typename T>
Vec<T> complete_strip(const Batch<T>& batch, const Scratch<T>& scratch, const Collect& collect,
                      const Seed& seed, int64_t block, int64_t c, int64_t y, int64_t rows,
                      bool written, bool masked, bool plain, T* strip) {
  const Buffer& b = batch.plan->buffers.data[collect.out];
  const Shape shape{b.c, b.h, b.w};
  const int64_t count = b.w * lanes<T>;
  const auto add = [&](const RowGradient& from) {
    add_row_gradients(batch, from, seed, block, c, y, rows, shape, scratch.strip, strip);
  };
  if (!written) zero_row(strip, rows * b.w);
  for (int64_t k = 0; masked && k < collect.relu_rows.count; ++k) add(collect.relu_rows.data[k]);
  const StoredMask stored = stored_mask(collect);
  const T* mask = nullptr;
  if (masked && stored.buffer >= 0) {
    mask = row_of(batch, stored.buffer, block, c, y + stored.top) + stored.left * lanes<T>;
  } else if (masked) {
    for (int64_t r = 0; r < rows; ++r) {
      mask_row(batch, collect.view, block, c, y + r, strip + r * count);
    }
  }
  const int64_t mask_row = mask == nullptr ? 0 : columns_of(batch, stored.buffer) * lanes<T>;
  const T* first = nullptr;
  int64_t next = 0;
  const List<RowGradient>& others = collect.plain_rows;
  if (plain && others.count > 0 && is_as_it_is(others.data[0])) {
    const GradRef& from = others.data[0].from;
    first = row_of(batch, from.buffer, block, c + from.channel, y);
    next = 1;
  }
  Vec<T> sum;
  if (mask != nullptr && first != nullptr) {
    sum = finish_strip<T, true, true>(mask, mask_row, first, rows, count, strip);
  } else if (mask != nullptr) {
    sum = finish_strip<T, true, false>(mask, mask_row, first, rows, count, strip);
  } else if (first != nullptr) {
    sum = finish_strip<T, false, true>(mask, mask_row, first, rows, count, strip);
  } else if (!plain || next == others.count) {
    sum = finish_strip<T, false, false>(mask, mask_row, first, rows, count, strip);
  }
  if (!plain || next == others.count) return sum;
  for (; next < others.count; ++next) add(others.data[next]);
  return finish_strip<T, false, false>(nullptr, 0, nullptr, rows, count, strip);
}

template <typename T>
void collect_block(const Batch<T>& batch, const Scratch<T>& scratch, const Collect& collect,
                   const Seed& seed, int64_t block) {
  const Buffer& b = batch.plan->buffers.data[collect.out];
  const auto begin = [&](const List<TapConv>& convs) {
    for (int64_t k = 0; k < convs.count; ++k) begin_taps(convs.data[k], scratch.ring);
  };
  begin(collect.relu_convs);
  begin(collect.plain_convs);
  const bool masked = collect.relu_convs.count + collect.relu_rows.count > 0;
  const bool twice = masked && collect.plain_convs.count > 0;
  for_strips(b.h, b.w, [&](int64_t y, int64_t rows) {
    bool written = false;
    const auto convolve = [&](const List<TapConv>& convs) {
      for (int64_t k = 0; k < convs.count; ++k) {
        const TapConv& conv = convs.data[k];
        for (int64_t r = y; r < y + rows; ++r) {
          taps_row(batch, conv, block, r, scratch.ring, batch.packed + conv.packed_offset, written);
        }
        written = true;
      }
    };
    const auto complete = [&](bool with_mask, bool with_plain, bool last) {
      for (int64_t c = 0; c < b.c; ++c) {
        T* strip = row_of(batch, collect.out, block, c, y);
        Vec<T> sum = complete_strip(batch, scratch, collect, seed, block, c, y, rows, written,
                                    with_mask, with_plain, strip);
        if (!last) continue;
        if (batch.links != nullptr) {
          clear_missing_images(batch, block, rows * b.w, strip);
          clear_missing_images(batch, block, 1, reinterpret_cast<T*>(&sum));
        }
        if (b.sums < 0) continue;
        T* total = row_of(batch, b.sums, block, c, 0);
        store(total, y == 0 ? sum : load(total) + sum);
      }
    };
    convolve(collect.relu_convs);
    if (twice) {
      complete(true, false, false);
      written = true;
    }
    convolve(collect.plain_convs);
    complete(masked && !twice, true, true);
  });
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
