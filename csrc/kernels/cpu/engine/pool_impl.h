// Average and max pools, forward row by row and backward as what one input row receives.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/rows_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

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

// The usual window: three wide, one step, two pixels at either border.
inline bool is_three_wide(const PoolAxis& axis, int64_t width) {
  return axis.kernel == 3 && axis.stride == 1 && width > 1 && axis.whole.begin == 1 &&
         axis.whole.end == width - 1;
}

// to[x] (+)= inner * (from[x - 1] + from[x] + from[x + 1]), with `border` at both ends.
template <typename T, bool kAdd>
inline void sum_three_wide(const T* from, int64_t width, T border, T inner, T* to) {
  const auto put = [&](int64_t x, Vec<T> v) {
    store(to + x * lanes<T>, kAdd ? load(to + x * lanes<T>) + v : v);
  };
  const int64_t last = width - 1;
  put(0, (load(from) + load(from + lanes<T>)) * border);
  for (int64_t x = 1; x < last; ++x) {
    const T* at = from + x * lanes<T>;
    put(x, (load(at - lanes<T>) + load(at) + load(at + lanes<T>)) * inner);
  }
  put(last, (load(from + (last - 1) * lanes<T>) + load(from + last * lanes<T>)) * border);
}

// Adds (first: writes) some rows of a channel of a view, column by column: for one window, or for
// `windows` windows of three rows, one row after the other, of a view that is stored as it is.
template <typename T>
void add_column_sums(const Batch<T>& batch, const View& view, int64_t block, int64_t c, Range rows,
                     int64_t windows, bool first, T* sums) {
  const int64_t width = columns_of(batch, view.buffer);
  const int64_t next = width * lanes<T>, count = rows.end - rows.begin;
  if (view.norm < 0 && !view.relu && (count == 2 || count == 3)) {
    const T* from = row_of(batch, view.buffer, block, c, rows.begin);
    const T* last = from + (count - 1) * next;
    for (int64_t k = 0; k < windows * next; k += lanes<T>) {
      Vec<T> sum = load(from + k) + load(last + k);
      if (count == 3) sum += load(from + next + k);
      store(sums + k, first ? sum : load(sums + k) + sum);
    }
    return;
  }
  int64_t r = rows.begin;
  if (first) copy_view_row(batch, view, block, c, r++, sums);
  for (; r < rows.end; ++r) put_view_rows<T, true>(batch, view, block, c, r, 1, sums, 0);
}

// One row of an average pool from its column sums.
template <typename T, bool kAdd>
void avg_pool_row(const PoolAxis& axis, double row_scale, int64_t width, const T* sums, T* out) {
  if (is_three_wide(axis, width)) {
    return sum_three_wide<T, kAdd>(sums, width, static_cast<T>(row_scale * axis.scale[0]),
                                   static_cast<T>(row_scale * axis.scale[1]), out);
  }
  const auto sum = [&](int64_t from, int64_t wide, int64_t x, int64_t count) {
    sum_neighbours<T, kAdd>(sums + from * lanes<T>, wide, axis.stride, count,
                            static_cast<T>(row_scale * axis.scale[x]), out + x * lanes<T>);
  };
  const auto border = [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) {
      sum(axis.windows[x].begin, axis.windows[x].end - axis.windows[x].begin, x, 1);
    }
  };
  const Range whole = axis.whole;
  border(0, whole.begin);
  if (whole.begin < whole.end) {
    sum(axis.windows[whole.begin].begin, axis.kernel, whole.begin, whole.end - whole.begin);
  }
  border(whole.end, width);
}

// Rows of the average pool of the sum of some views; added to `out` or written. Rows first, then
// columns: kh + kw additions for every pixel instead of kh * kw.
template <typename T, bool kAdd>
void avg_pool_rows(const Batch<T>& batch, const Step& step, const List<View>& views, int64_t block,
                   int64_t c, int64_t y, int64_t rows, T* scratch, T* out) {
  const PoolAxis &vertical = step.pool->y, &horizontal = step.pool->x;
  const int64_t width = columns_of(batch, step.out);
  const bool alike = vertical.stride == 1 && columns_of(batch, views.data[0].buffer) == width;
  T* sums = scratch + batch.plan->strip_pixels * lanes<T>;
  for (int64_t r = 0; r < rows;) {
    // Windows of three whole rows that follow each other are summed in one go.
    int64_t now = 1;
    while (alike && y + r >= vertical.whole.begin && vertical.kernel == 3 && r + now < rows &&
           y + r + now < vertical.whole.end) {
      ++now;
    }
    for (int64_t k = 0; k < views.count; ++k) {
      const View& view = views.data[k];
      const bool stored = view.norm < 0 && !view.relu;
      for (int64_t i = 0; i < now; i += stored ? now : 1) {
        add_column_sums(batch, view, block, c, vertical.windows[y + r + i], stored ? now : 1,
                        k == 0, sums + i * width * lanes<T>);
      }
    }
    for (int64_t i = 0; i < now; ++i, ++r) {
      avg_pool_row<T, kAdd>(horizontal, vertical.scale[y + r], width, sums + i * width * lanes<T>,
                            out + r * width * lanes<T>);
    }
  }
}

// Adds (first: writes) some rows of a gradient of windows, each by its own scale, column by
// column.
template <typename T>
void add_scaled_rows(const Batch<T>& batch, const RowGradient& from, const GradRef& ref,
                     int64_t block, int64_t c, Range windows, bool first, T* scratch, T* sums) {
  const double* scale = from.pool->y.scale + windows.begin;
  const int64_t count = from.out_w * lanes<T>;
  if (ref.norm < 0 && windows.end - windows.begin == 3) {
    const T* g = row_of(batch, ref.buffer, block, c + ref.channel, windows.begin);
    const T s0 = static_cast<T>(scale[0]), s1 = static_cast<T>(scale[1]),
            s2 = static_cast<T>(scale[2]);
    for (int64_t k = 0; k < count; k += lanes<T>) {
      const Vec<T> sum = load(g + k) * s0 + load(g + count + k) * s1 + load(g + 2 * count + k) * s2;
      store(sums + k, first ? sum : load(sums + k) + sum);
    }
    return;
  }
  for (int64_t r = windows.begin; r < windows.end; ++r, first = false) {
    const T* g = gradient_row(batch, ref, block, c, r, scratch);
    const T factor = static_cast<T>(*scale++);
    for (int64_t k = 0; k < count; k += lanes<T>) {
      store(sums + k, first ? load(g + k) * factor : load(sums + k) + load(g + k) * factor);
    }
  }
}

template <typename T>
void add_avg_pool_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block, int64_t c,
                           int64_t y, const Shape& in, T* scratch, T* to) {
  const PoolAxis& axis = from.pool->x;
  const Range windows = from.pool->y.inputs[y];
  if (windows.begin >= windows.end) return;
  // What each column of windows gives to each of its pixels in this row.
  T* parts = scratch + batch.plan->strip_pixels * lanes<T>;
  for (int64_t k = 0; k < from.pooled.count; ++k) {
    add_scaled_rows(batch, from, from.pooled.data[k], block, c, windows, k == 0, scratch, parts);
  }
  const auto scale = [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) {
      T* part = parts + x * lanes<T>;
      store(part, load(part) * static_cast<T>(axis.scale[x]));
    }
  };
  const auto gather = [&](int64_t first, int64_t last, int64_t wide, T factor) {
    sum_neighbours<T, true>(parts + axis.inputs[first].begin * lanes<T>, wide, 1, last - first,
                            factor, to + first * lanes<T>);
  };
  if (axis.stride != 1) {
    scale(0, from.out_w);
    for (int64_t x = 0; x < from.out_w; ++x) {
      const Vec<T> part = load(parts + x * lanes<T>);
      for (int64_t k = axis.windows[x].begin; k < axis.windows[x].end; ++k) {
        store(to + k * lanes<T>, load(to + k * lanes<T>) + part);
      }
    }
    return;
  }
  if (is_three_wide(axis, in.w)) {
    // Windows at the border count fewer numbers or as many.
    const auto at_border = [&](T* part) {
      store(part, load(part) * static_cast<T>(axis.scale[0] / axis.scale[1]));
    };
    at_border(parts);
    at_border(parts + (in.w - 1) * lanes<T>);
    const T scale = static_cast<T>(axis.scale[1]);
    return sum_three_wide<T, true>(parts, in.w, scale, scale, to);
  }
  // Windows at the border count fewer numbers: all are brought to the scale of the others.
  const double inner = axis.whole.begin < axis.whole.end ? axis.scale[axis.whole.begin] : 1;
  const auto rescale = [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) {
      T* part = parts + x * lanes<T>;
      store(part, load(part) * static_cast<T>(axis.scale[x] / inner));
    }
  };
  rescale(0, axis.whole.begin);
  rescale(axis.whole.end, from.out_w);
  const auto border = [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) {
      const int64_t wide = axis.inputs[x].end - axis.inputs[x].begin;
      if (wide > 0) gather(x, x + 1, wide, static_cast<T>(inner));
    }
  };
  border(0, axis.inner.begin);
  if (axis.inner.begin < axis.inner.end) {
    gather(axis.inner.begin, axis.inner.end, axis.kernel, static_cast<T>(inner));
  }
  border(axis.inner.end, in.w);
}

// The first maximum in scan order, as torch takes it; a NaN is larger than everything. `index`
// receives its position in the window (null: not wanted).
template <typename T>
void max_pool_row(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                  T* scratch, T* out, T* index) {
  const View& view = step.in.data[0];
  const PoolAxis &rows = step.pool->y, &columns = step.pool->x;
  const int64_t width = columns_of(batch, step.out);
  T* positions = index != nullptr ? index : scratch + batch.plan->strip_pixels * lanes<T>;
  for (int64_t r = rows.windows[y].begin; r < rows.windows[y].end; ++r) {
    const T* from = view_row(batch, view, block, c, r, scratch);
    const int64_t row = (r - y * rows.stride + rows.pad) * columns.kernel;
    for (int64_t x = 0; x < width; ++x) {
      const Range range = columns.windows[x];
      Vec<T> best = load(out + x * lanes<T>), position = load(positions + x * lanes<T>);
      for (int64_t k = range.begin; k < range.end; ++k) {
        const Vec<T> v = load(from + k * lanes<T>);
        const Vec<T> here = broadcast(static_cast<T>(row + k - x * columns.stride + columns.pad));
        const bool first = r == rows.windows[y].begin && k == range.begin;
        best = first ? v : best;
        position = first ? here : position;
        const auto larger = (v > best) | (v != v);
        best = select(larger, v, best);
        position = select(larger, here, position);
      }
      store(out + x * lanes<T>, best);
      store(positions + x * lanes<T>, position);
    }
  }
}

template <typename T>
void add_max_pool_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block, int64_t c,
                           int64_t y, const Shape& in, T* scratch, T* to) {
  const PoolAxis &rows = from.pool->y, &columns = from.pool->x;
  for (int64_t r = rows.inputs[y].begin; r < rows.inputs[y].end; ++r) {
    const T* g = gradient_row(batch, from.from, block, c, r, scratch);
    const T* positions = row_of(batch, from.index, block, c, r);
    const int64_t row = (y - r * rows.stride + rows.pad) * columns.kernel;
    for (int64_t x = 0; x < in.w; ++x) {
      const Range range = columns.inputs[x];
      Vec<T> sum = load(to + x * lanes<T>);
      for (int64_t k = range.begin; k < range.end; ++k) {
        const Vec<T> here = broadcast(static_cast<T>(row + x - k * columns.stride + columns.pad));
        const Vec<T> part = load(g + k * lanes<T>), zero = {};
        sum += select(load(positions + k * lanes<T>) == here, part, zero);
      }
      store(to + x * lanes<T>, sum);
    }
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
