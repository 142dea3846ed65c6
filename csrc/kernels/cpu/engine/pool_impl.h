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

template <typename T>
void avg_pool_row(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                  T* scratch, T* out) {
  const View& view = step.in.data[0];
  const Window& w = step.window;
  const Buffer& in = batch.plan->buffers.data[view.buffer];
  const int64_t width = batch.plan->buffers.data[step.out].w;
  const Span rows = window_span(y, w.sh, w.ph, w.kh, in.h);
  // Rows first, then columns: kh + kw additions for every pixel instead of kh * kw.
  T* column_sums = scratch + batch.plan->row_pixels * lanes<T>;
  copy_view_row(batch, view, block, c, rows.begin, column_sums);
  for (int64_t r = rows.begin + 1; r < rows.end; ++r) {
    add_row(column_sums, view_row(batch, view, block, c, r, scratch), in.w);
  }
  for (int64_t x = 0; x < width; ++x) {
    const Span columns = window_span(x, w.sw, w.pw, w.kw, in.w);
    Vec<T> sum = load(column_sums + columns.begin * lanes<T>);
    for (int64_t k = columns.begin + 1; k < columns.end; ++k) sum += load(column_sums + k * lanes<T>);
    const int64_t count = step.count_include_pad
                              ? w.kh * w.kw
                              : (rows.end - rows.begin) * (columns.end - columns.begin);
    store(out + x * lanes<T>, sum * (T(1) / static_cast<T>(count)));
  }
}

template <typename T>
void add_avg_pool_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block,
                           int64_t c, int64_t y, const Shape& in, T* scratch, T* to) {
  const Window& w = from.window;
  T* window_sums = scratch + batch.plan->row_pixels * lanes<T>;
  zero_row(window_sums, from.out_w);
  const Span windows = windows_of(y, w.sh, w.ph, w.kh, from.out_h);
  for (int64_t r = windows.begin; r < windows.end; ++r) {
    const T* g = gradient_row(batch, from.from, block, c, r, scratch);
    const Span rows = window_span(r, w.sh, w.ph, w.kh, in.h);
    for (int64_t x = 0; x < from.out_w; ++x) {
      const Span columns = window_span(x, w.sw, w.pw, w.kw, in.w);
      const int64_t count = from.count_include_pad
                                ? w.kh * w.kw
                                : (rows.end - rows.begin) * (columns.end - columns.begin);
      T* sum = window_sums + x * lanes<T>;
      store(sum, load(sum) + load(g + x * lanes<T>) * (T(1) / static_cast<T>(count)));
    }
  }
  for (int64_t x = 0; x < in.w; ++x) {
    const Span columns = windows_of(x, w.sw, w.pw, w.kw, from.out_w);
    Vec<T> sum = load(to + x * lanes<T>);
    for (int64_t k = columns.begin; k < columns.end; ++k) sum += load(window_sums + k * lanes<T>);
    store(to + x * lanes<T>, sum);
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
        const Vec<T> here = broadcast(static_cast<T>((r - y * w.sh + w.ph) * w.kw + k -
                                                     x * w.sw + w.pw));
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
void add_max_pool_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block,
                           int64_t c, int64_t y, const Shape& in, T* scratch, T* to) {
  const Window& w = from.window;
  const Span windows = windows_of(y, w.sh, w.ph, w.kh, from.out_h);
  for (int64_t r = windows.begin; r < windows.end; ++r) {
    const T* g = gradient_row(batch, from.from, block, c, r, scratch);
    const T* positions = row_of(batch, from.index, block, c, r);
    for (int64_t x = 0; x < in.w; ++x) {
      const Span columns = windows_of(x, w.sw, w.pw, w.kw, from.out_w);
      Vec<T> sum = load(to + x * lanes<T>);
      for (int64_t k = columns.begin; k < columns.end; ++k) {
        const Vec<T> here = broadcast(static_cast<T>((y - r * w.sh + w.ph) * w.kw + x -
                                                     k * w.sw + w.pw));
        const Vec<T> part = load(g + k * lanes<T>), zero = {};
        sum += load(positions + k * lanes<T>) == here ? part : zero;
      }
      store(to + x * lanes<T>, sum);
    }
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
