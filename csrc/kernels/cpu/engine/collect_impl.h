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

// Clears what a ReLU did not let through.
template <typename T>
inline void mask_row(const Batch<T>& batch, const Collect& collect, int64_t block, int64_t c,
                     int64_t y, T* row) {
  const int64_t count = columns_of(batch, collect.out) * lanes<T>;
  const Vec<T> zero = {};
  const Activation& mask = collect.mask;
  const View& view = collect.view;
  if (mask.buffer >= 0 || view.norm < 0) {
    const T* x = mask.buffer < 0 ? row_of(batch, view.buffer, block, c, y)
                                 : row_of(batch, mask.buffer, block, c, y + mask.top) +
                                       mask.left * lanes<T>;
    for (int64_t k = 0; k < count; k += lanes<T>) {
      store(row + k, load(x + k) > zero ? load(row + k) : zero);
    }
    return;
  }
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

template <typename T>
void collect_block(const Batch<T>& batch, const Scratch<T>& scratch, const Collect& collect,
                   const Seed& seed, int64_t block) {
  const Buffer& b = batch.plan->buffers.data[collect.out];
  const Shape shape{b.c, b.h, b.w};
  const auto begin = [&](const List<TapConv>& convs) {
    for (int64_t k = 0; k < convs.count; ++k) begin_taps(convs.data[k], scratch.ring);
  };
  begin(collect.relu_convs);
  begin(collect.plain_convs);
  const bool masked = collect.relu_convs.count + collect.relu_rows.count > 0;
  for (int64_t y = 0; y < b.h; ++y) {
    bool written = false;
    const auto convolve = [&](const List<TapConv>& convs) {
      for (int64_t k = 0; k < convs.count; ++k) {
        const TapConv& conv = convs.data[k];
        taps_row(batch, conv, block, y, scratch.ring,
                 batch.packed + conv.packed_offset, written);
        written = true;
      }
    };
    convolve(collect.relu_convs);
    for (int64_t c = 0; c < b.c && (masked || !written); ++c) {
      T* row = row_of(batch, collect.out, block, c, y);
      if (!written) zero_row(row, b.w);
      for (int64_t k = 0; k < collect.relu_rows.count; ++k) {
        add_row_gradient(batch, collect.relu_rows.data[k], seed, block, c, y, shape, scratch.row,
                         row);
      }
      if (masked) mask_row(batch, collect, block, c, y, row);
    }
    written = true;
    convolve(collect.plain_convs);
    for (int64_t c = 0; c < b.c; ++c) {
      T* row = row_of(batch, collect.out, block, c, y);
      for (int64_t k = 0; k < collect.plain_rows.count; ++k) {
        add_row_gradient(batch, collect.plain_rows.data[k], seed, block, c, y, shape, scratch.row,
                         row);
      }
      if (batch.links != nullptr) clear_missing_images(batch, block, b.w, row);
      if (b.sums < 0) continue;
      T* sum = row_of(batch, b.sums, block, c, 0);
      Vec<T> total = y == 0 ? Vec<T>{} : load(sum);
      for (int64_t k = 0; k < b.w * lanes<T>; k += lanes<T>) total += load(row + k);
      store(sum, total);
    }
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
