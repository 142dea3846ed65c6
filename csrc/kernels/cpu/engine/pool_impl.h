// Average and max pools, forward row by row and backward as what one input row receives.

namespace tegnas::cpu::TEGNAS_ISA::sweep {

struct Span {
  int64_t begin, end;
};

// The part of window `i` that lies inside the input.
inline Span window_span(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t size) {
  const int64_t begin = i * stride - pad, end = begin + kernel;
  return {begin < 0 ? 0 : begin, end > size ? size : end};
}

// The windows that hold input `x`.
inline Span windows_of(int64_t x, int64_t stride, int64_t pad, int64_t kernel, int64_t windows) {
  const int64_t first = x + pad - kernel + 1;
  const int64_t begin = first <= 0 ? 0 : (first + stride - 1) / stride;
  const int64_t end = (x + pad) / stride + 1;
  return {begin, end > windows ? windows : end};
}

// The part of the windows of an axis that lie inside the input as a whole: [begin, end).
inline Span whole_windows(int64_t windows, int64_t stride, int64_t pad, int64_t kernel,
                          int64_t size) {
  const int64_t begin = (pad + stride - 1) / stride;
  const int64_t last = size + pad - kernel;  // start of the last one, from -pad on
  int64_t end = last < 0 ? 0 : last / stride + 1;
  if (end > windows) end = windows;
  return {begin < end ? begin : end, end};
}

// to[x] (+)= scale * (sum of kWide neighbours from from[x * stride] on), x in [0, count).
template <typename T, int kWide, bool kAdd>
inline void sum_neighbours(const T* from, int64_t stride, int64_t count, T scale, T* to) {
  for (int64_t x = 0; x < count; ++x) {
    Vec<T> sum = load(from);
#pragma GCC unroll 4
    for (int k = 1; k < kWide; ++k) sum += load(from + k * lanes<T>);
    store(to, kAdd ? load(to) + sum * scale : sum * scale);
    from += stride * lanes<T>;
    to += lanes<T>;
  }
}

template <typename T, bool kAdd>
inline void sum_neighbours(const T* from, int64_t wide, int64_t stride, int64_t count, T scale,
                           T* to) {
  if (wide == 3) return sum_neighbours<T, 3, kAdd>(from, stride, count, scale, to);
  if (wide == 2) return sum_neighbours<T, 2, kAdd>(from, stride, count, scale, to);
  for (int64_t x = 0; x < count; ++x) {
    Vec<T> sum = load(from + x * stride * lanes<T>);
    for (int64_t k = 1; k < wide; ++k) sum += load(from + (x * stride + k) * lanes<T>);
    T* pixel = to + x * lanes<T>;
    store(pixel, kAdd ? load(pixel) + sum * scale : sum * scale);
  }
}

// Adds (first: writes) the rows [begin, end) of a channel of a view, column by column.
template <typename T>
void add_column_sums(const Batch<T>& batch, const View& view, int64_t block, int64_t c, Span rows,
                     bool first, T* scratch, T* sums) {
  const int64_t width = columns_of(batch, view.buffer);
  if (view.norm < 0 && !view.relu && rows.end - rows.begin == 3) {
    const T* from = row_of(batch, view.buffer, block, c, rows.begin);
    const int64_t next = width * lanes<T>;
    for (int64_t k = 0; k < next; k += lanes<T>) {
      const Vec<T> sum = load(from + k) + load(from + next + k) + load(from + 2 * next + k);
      store(sums + k, first ? sum : load(sums + k) + sum);
    }
    return;
  }
  if (first) copy_view_row(batch, view, block, c, rows.begin++, sums);
  for (; rows.begin < rows.end; ++rows.begin) {
    add_row(sums, view_row(batch, view, block, c, rows.begin, scratch), width);
  }
}

// Row y of the average pool of the sum of some views; added to `out` or written. Rows first, then
// columns: kh + kw additions for every pixel instead of kh * kw.
template <typename T, bool kAdd>
void avg_pool_row(const Batch<T>& batch, const Step& step, const List<View>& views, int64_t block,
                  int64_t c, int64_t y, T* scratch, T* out) {
  const Window& w = step.window;
  const Buffer& in = batch.plan->buffers.data[views.data[0].buffer];
  const int64_t width = columns_of(batch, step.out);
  const Span rows = window_span(y, w.sh, w.ph, w.kh, in.h);
  T* sums = scratch + batch.plan->row_pixels * lanes<T>;
  for (int64_t k = 0; k < views.count; ++k) {
    add_column_sums(batch, views.data[k], block, c, rows, k == 0, scratch, sums);
  }
  const T row_scale = T(1) / static_cast<T>(step.count_include_pad ? w.kh : rows.end - rows.begin);
  const T column_scale = T(1) / static_cast<T>(w.kw);
  const Span whole = whole_windows(width, w.sw, w.pw, w.kw, in.w);
  sum_neighbours<T, kAdd>(sums + (whole.begin * w.sw - w.pw) * lanes<T>, w.kw, w.sw,
                          whole.end - whole.begin, row_scale * column_scale,
                          out + whole.begin * lanes<T>);
  for (int64_t x = 0; x < width; ++x) {
    if (x == whole.begin && whole.begin < whole.end) x = whole.end;
    if (x >= width) break;
    const Span columns = window_span(x, w.sw, w.pw, w.kw, in.w);
    const int64_t count = columns.end - columns.begin;
    sum_neighbours<T, kAdd>(
        sums + columns.begin * lanes<T>, count, 1, 1,
        row_scale * (step.count_include_pad ? column_scale : T(1) / static_cast<T>(count)),
        out + x * lanes<T>);
  }
}

// Adds (first: writes) rows [begin, end) of a gradient of windows, each by its own scale, column
// by column.
template <typename T>
void add_scaled_rows(const Batch<T>& batch, const RowGradient& from, const GradRef& ref,
                     int64_t block, int64_t c, Span windows, int64_t height, bool first, T* scratch,
                     T* sums) {
  const Window& w = from.window;
  const auto scale = [&](int64_t r) {
    const Span rows = window_span(r, w.sh, w.ph, w.kh, height);
    return T(1) / static_cast<T>((from.count_include_pad ? w.kh : rows.end - rows.begin) * w.kw);
  };
  const int64_t count = from.out_w * lanes<T>;
  if (ref.norm < 0 && windows.end - windows.begin == 3) {
    const T* g = row_of(batch, ref.buffer, block, c + ref.channel, windows.begin);
    const T a = scale(windows.begin), b = scale(windows.begin + 1), d = scale(windows.begin + 2);
    for (int64_t k = 0; k < count; k += lanes<T>) {
      const Vec<T> sum = load(g + k) * a + load(g + count + k) * b + load(g + 2 * count + k) * d;
      store(sums + k, first ? sum : load(sums + k) + sum);
    }
    return;
  }
  for (int64_t r = windows.begin; r < windows.end; ++r, first = false) {
    const T* g = gradient_row(batch, ref, block, c, r, scratch);
    const T factor = scale(r);
    for (int64_t k = 0; k < count; k += lanes<T>) {
      store(sums + k, first ? load(g + k) * factor : load(sums + k) + load(g + k) * factor);
    }
  }
}

template <typename T>
void add_avg_pool_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block, int64_t c,
                           int64_t y, const Shape& in, T* scratch, T* to) {
  const Window& w = from.window;
  const Span windows = windows_of(y, w.sh, w.ph, w.kh, from.out_h);
  if (windows.begin >= windows.end) return;
  // What each column of windows gives to each of its pixels in this row.
  T* parts = scratch + batch.plan->row_pixels * lanes<T>;
  for (int64_t k = 0; k < from.pooled.count; ++k) {
    add_scaled_rows(batch, from, from.pooled.data[k], block, c, windows, in.h, k == 0, scratch,
                    parts);
  }
  if (!from.count_include_pad) {
    const Span whole = whole_windows(from.out_w, w.sw, w.pw, w.kw, in.w);
    for (int64_t x = 0; x < from.out_w; ++x) {
      if (x == whole.begin && whole.begin < whole.end) x = whole.end;
      if (x >= from.out_w) break;
      const Span columns = window_span(x, w.sw, w.pw, w.kw, in.w);
      T* part = parts + x * lanes<T>;
      store(part,
            load(part) * (static_cast<T>(w.kw) / static_cast<T>(columns.end - columns.begin)));
    }
  }
  // With stride 1 a pixel's windows are neighbours, all kw of them away from the border.
  Span inner{0, 0};
  if (w.sw == 1) inner = whole_windows(in.w, 1, w.kw - 1 - w.pw, w.kw, from.out_w);
  sum_neighbours<T, true>(parts + (inner.begin - (w.kw - 1 - w.pw)) * lanes<T>, w.kw, 1,
                          inner.end - inner.begin, T(1), to + inner.begin * lanes<T>);
  for (int64_t x = 0; x < in.w; ++x) {
    if (x == inner.begin && inner.begin < inner.end) x = inner.end;
    if (x >= in.w) break;
    const Span columns = windows_of(x, w.sw, w.pw, w.kw, from.out_w);
    if (columns.begin >= columns.end) continue;
    sum_neighbours<T, true>(parts + columns.begin * lanes<T>, columns.end - columns.begin, 1, 1,
                            T(1), to + x * lanes<T>);
  }
}

// The first maximum in scan order, as torch takes it; a NaN is larger than everything. `index`
// receives its position in the window (null: not wanted).
template <typename T>
void max_pool_row(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                  T* scratch, T* out, T* index) {
  const View& view = step.in.data[0];
  const Window& w = step.window;
  const Buffer& in = batch.plan->buffers.data[view.buffer];
  const int64_t width = batch.plan->buffers.data[step.out].w;
  const Span rows = window_span(y, w.sh, w.ph, w.kh, in.h);
  T* positions = index != nullptr ? index : scratch + batch.plan->row_pixels * lanes<T>;
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    const T* from = view_row(batch, view, block, c, r, scratch);
    for (int64_t x = 0; x < width; ++x) {
      const Span columns = window_span(x, w.sw, w.pw, w.kw, in.w);
      Vec<T> best = load(out + x * lanes<T>), position = load(positions + x * lanes<T>);
      for (int64_t k = columns.begin; k < columns.end; ++k) {
        const Vec<T> v = load(from + k * lanes<T>);
        const Vec<T> here =
            broadcast(static_cast<T>((r - y * w.sh + w.ph) * w.kw + k - x * w.sw + w.pw));
        const bool first = r == rows.begin && k == columns.begin;
        best = first ? v : best;
        position = first ? here : position;
        const auto larger = (v > best) | (v != v);
        best = larger ? v : best;
        position = larger ? here : position;
      }
      store(out + x * lanes<T>, best);
      store(positions + x * lanes<T>, position);
    }
  }
}

template <typename T>
void add_max_pool_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block, int64_t c,
                           int64_t y, const Shape& in, T* scratch, T* to) {
  const Window& w = from.window;
  const Span windows = windows_of(y, w.sh, w.ph, w.kh, from.out_h);
  for (int64_t r = windows.begin; r < windows.end; ++r) {
    const T* g = gradient_row(batch, from.from, block, c, r, scratch);
    const T* positions = row_of(batch, from.index, block, c, r);
    for (int64_t x = 0; x < in.w; ++x) {
      const Span columns = windows_of(x, w.sw, w.pw, w.kw, from.out_w);
      Vec<T> sum = load(to + x * lanes<T>);
      for (int64_t k = columns.begin; k < columns.end; ++k) {
        const Vec<T> here =
            broadcast(static_cast<T>((y - r * w.sh + w.ph) * w.kw + x - k * w.sw + w.pw));
        const Vec<T> part = load(g + k * lanes<T>), zero = {};
        sum += load(positions + k * lanes<T>) == here ? part : zero;
      }
      store(to + x * lanes<T>, sum);
    }
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
