// The gradient of a buffer or of a norm's output, from the gradients of what reads it.

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
        add_row(to, g, in.w);
      } else {
        const T factor = batch.params[from.factor];
        for (int64_t k = 0; k < in.w * lanes<T>; k += lanes<T>) {
          store(to + k, load(to + k) + load(g + k) * factor);
        }
      }
      break;
    }
    case RowKind::pad: {
      const int64_t row = y + from.top;
      if (row < 0 || row >= from.out_h) break;
      const T* g = gradient_row(batch, from.from, block, c, row, scratch);
      for (int64_t x = 0; x < in.w; ++x) {
        const int64_t column = x + from.left;
        if (column < 0 || column >= from.out_w) continue;
        T* pixel = to + x * lanes<T>;
        store(pixel, load(pixel) + load(g + column * lanes<T>));
      }
      break;
    }
    case RowKind::avg_pool:
      add_avg_pool_gradient(batch, from, block, c, y, in, scratch, to);
      break;
    case RowKind::max_pool:
      add_max_pool_gradient(batch, from, block, c, y, in, scratch, to);
      break;
    case RowKind::global_avg_pool: {
      const T* g = gradient_row(batch, from.from, block, c, 0, scratch);
      const Vec<T> part = load(g) * (T(1) / static_cast<T>(in.h * in.w));
      for (int64_t k = 0; k < in.w * lanes<T>; k += lanes<T>) store(to + k, load(to + k) + part);
      break;
    }
    case RowKind::linear: {
      const int64_t features = in.c * in.h * in.w;
      const T* weight = batch.params + from.weight + (c * in.h + y) * in.w;
      for (int64_t o = 0; o < from.out_c; ++o) {
        const Vec<T> g = load(gradient_row(batch, from.from, block, o, 0, scratch));
        for (int64_t x = 0; x < in.w; ++x) {
          T* pixel = to + x * lanes<T>;
          store(pixel, load(pixel) + g * weight[o * features + x]);
        }
      }
      break;
    }
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
    store(row + k, (load(x + k) - a.mean) * a.scale + a.shift > zero ? load(row + k) : zero);
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

// One pass over a finished row of input gradients: the mask, one gradient that is added as it is,
// and the sum of the row.
template <typename T, bool kMask, bool kAdd>
inline Vec<T> finish_row(const T* mask, const T* add, int64_t count, T* row) {
  Vec<T> sum = {};
  const Vec<T> zero = {};
  for (int64_t k = 0; k < count; k += lanes<T>) {
    Vec<T> v = load(row + k);
    if (kMask) v = load(mask + k) > zero ? v : zero;
    if (kAdd) v += load(add + k);
    store(row + k, v);
    sum += v;
  }
  return sum;
}

template <typename T>
inline Vec<T> finish_row(const T* mask, const T* add, int64_t count, T* row) {
  if (mask != nullptr && add != nullptr) return finish_row<T, true, true>(mask, add, count, row);
  if (mask != nullptr) return finish_row<T, true, false>(mask, add, count, row);
  if (add != nullptr) return finish_row<T, false, true>(mask, add, count, row);
  return finish_row<T, false, false>(mask, add, count, row);
}

// The numbers whose sign is the mask, where they lie in memory as they are.
template <typename T>
inline const T* stored_mask(const Batch<T>& batch, const Collect& collect, int64_t block, int64_t c,
                            int64_t y) {
  const Activation& mask = collect.mask;
  if (mask.buffer >= 0) {
    return row_of(batch, mask.buffer, block, c, y + mask.top) + mask.left * lanes<T>;
  }
  if (collect.view.norm >= 0) return nullptr;
  return row_of(batch, collect.view.buffer, block, c, y);
}

inline bool is_as_it_is(const RowGradient& from) {
  return from.kind == RowKind::direct && from.factor < 0 && from.from.norm < 0;
}

// Row y of channel c after its convolutions behind the ReLU (`written`) and, without any after
// the ReLU, all that follows: returns its sum.
template <typename T>
Vec<T> complete_row(const Batch<T>& batch, const Scratch<T>& scratch, const Collect& collect,
                    const Seed& seed, int64_t block, int64_t c, int64_t y, bool written,
                    bool masked, bool plain, T* row) {
  const Buffer& b = batch.plan->buffers.data[collect.out];
  const Shape shape{b.c, b.h, b.w};
  const auto add = [&](const RowGradient& from) {
    add_row_gradient(batch, from, seed, block, c, y, shape, scratch.row, row);
  };
  if (!written) zero_row(row, b.w);
  for (int64_t k = 0; masked && k < collect.relu_rows.count; ++k) add(collect.relu_rows.data[k]);
  const T* mask = masked ? stored_mask(batch, collect, block, c, y) : nullptr;
  if (masked && mask == nullptr) mask_row(batch, collect.view, block, c, y, row);
  const T* first = nullptr;
  int64_t next = 0;
  const List<RowGradient>& rows = collect.plain_rows;
  if (plain && rows.count > 0 && is_as_it_is(rows.data[0])) {
    const GradRef& from = rows.data[0].from;
    first = row_of(batch, from.buffer, block, c + from.channel, y);
    next = 1;
  }
  Vec<T> sum = finish_row(mask, first, b.w * lanes<T>, row);
  if (!plain || next == rows.count) return sum;
  for (; next < rows.count; ++next) add(rows.data[next]);
  return finish_row<T>(nullptr, nullptr, b.w * lanes<T>, row);
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
  for (int64_t y = 0; y < b.h; ++y) {
    bool written = false;
    const auto convolve = [&](const List<TapConv>& convs) {
      for (int64_t k = 0; k < convs.count; ++k) {
        const TapConv& conv = convs.data[k];
        taps_row(batch, conv, block, y, scratch.ring, batch.packed + conv.packed_offset, written);
        written = true;
      }
    };
    const auto complete = [&](bool with_mask, bool with_plain, bool last) {
      for (int64_t c = 0; c < b.c; ++c) {
        T* row = row_of(batch, collect.out, block, c, y);
        Vec<T> sum = complete_row(batch, scratch, collect, seed, block, c, y, written, with_mask,
                                  with_plain, row);
        if (!last) continue;
        if (batch.links != nullptr) {
          clear_missing_images(batch, block, b.w, row);
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
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
