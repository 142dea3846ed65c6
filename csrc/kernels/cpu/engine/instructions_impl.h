// What instructions compute: rows of the output of each, and the rows of gradients that it hands
// back. Convolutions are sums of taps (tap_conv_impl.h); norms and ReLUs are views (rows_impl.h).
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/pool_impl.h"
#include "kernels/cpu/engine/rows_impl.h"
#include "kernels/cpu/vector_math_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Rows of the sum of some views and of the average pool of some others.
template <typename T>
void add_views(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
               int64_t rows, T* scratch, T* out) {
  const int64_t row = columns_of(batch, step.out) * lanes<T>;
  for (int64_t k = 0; k < step.in.count; ++k) {
    const View& view = step.in.data[k];
    if (k == 0) {
      put_view_rows<T, false>(batch, view, block, c, y, rows, out, row);
    } else {
      put_view_rows<T, true>(batch, view, block, c, y, rows, out, row);
    }
  }
  if (step.in.count == 0) {
    avg_pool_rows<T, false>(batch, step, step.pooled, block, c, y, rows, scratch, out);
  } else if (step.pooled.count > 0) {
    avg_pool_rows<T, true>(batch, step, step.pooled, block, c, y, rows, scratch, out);
  }
}

// Rows of the product of two views, of which one may have a single pixel for all.
template <typename T>
void multiply_views(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                    int64_t rows, T* scratch, T* out) {
  const Buffer& b = batch.plan->buffers.data[step.out];
  const int64_t row = b.w * lanes<T>;
  const View &first = step.in.data[0], &second = step.in.data[1];
  const bool first_is_whole = has_size_of(batch, first, b);
  const View& whole = first_is_whole ? first : second;
  const View& other = first_is_whole ? second : first;
  put_view_rows<T, false>(batch, whole, block, c, y, rows, out, row);
  if (!has_size_of(batch, other, b)) {
    const Vec<T> factor = load(view_row(batch, other, block, c, 0, scratch));
    for (int64_t k = 0; k < rows * row; k += lanes<T>) store(out + k, load(out + k) * factor);
    return;
  }
  for (int64_t r = 0; r < rows; ++r, out += row) {
    const T* factors = view_row(batch, other, block, c, y + r, scratch);
    for (int64_t k = 0; k < row; k += lanes<T>) store(out + k, load(out + k) * load(factors + k));
  }
}

// Rows of a function of a view and, where gradients are wanted, of its derivative.
template <typename T>
void apply_to_view(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                   int64_t rows, T* out) {
  const int64_t row = columns_of(batch, step.out) * lanes<T>;
  put_view_rows<T, false>(batch, step.in.data[0], block, c, y, rows, out, row);
  T* slopes = step.slope < 0 ? nullptr : row_of(batch, step.slope, block, c, y);
  const T below = static_cast<T>(step.below);
  for_function(step.function, [&](auto chosen) {
    for (int64_t k = 0; k < rows * row; k += register_lanes<T>) {
      const auto found =
          respond<decltype(chosen)::function, VectorMath<T>>(load_register(out + k), below);
      store_register(out + k, found.value);
      if (slopes != nullptr) store_register(slopes + k, found.slope);
    }
  });
}

// One row of the output of an instruction that works row by row.
template <typename T>
void instruction_row(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                     T* scratch, T* out) {
  const int64_t width = columns_of(batch, step.out);
  switch (step.op) {
    case Op::scale: {
      const T factor = batch.params[step.factor];
      const T* from = view_row(batch, step.in.data[0], block, c, y, scratch);
      for (int64_t k = 0; k < width * lanes<T>; k += lanes<T>)
        store(out + k, load(from + k) * factor);
      break;
    }
    case Op::concat: {
      int64_t k = 0;
      while (c >= batch.plan->buffers.data[step.in.data[k].buffer].c) {
        c -= batch.plan->buffers.data[step.in.data[k++].buffer].c;
      }
      copy_view_row(batch, step.in.data[k], block, c, y, out);
      break;
    }
    case Op::pad: {
      const Buffer& in = batch.plan->buffers.data[step.in.data[0].buffer];
      const int64_t row = y - step.top;
      zero_row(out, width);
      if (row < 0 || row >= in.h) break;
      const T* from = view_row(batch, step.in.data[0], block, c, row, scratch);
      for (int64_t x = 0; x < width; ++x) {
        const int64_t column = x - step.left;
        if (column >= 0 && column < in.w) store(out + x * lanes<T>, load(from + column * lanes<T>));
      }
      break;
    }
    case Op::max_pool: {
      T* index = step.index < 0 ? nullptr : row_of(batch, step.index, block, c, y);
      max_pool_row(batch, step, block, c, y, scratch, out, index);
      break;
    }
    case Op::global_avg_pool: {
      const Buffer& in = batch.plan->buffers.data[step.in.data[0].buffer];
      Vec<T> sum = {};
      for (int64_t r = 0; r < in.h; ++r) {
        const T* from = view_row(batch, step.in.data[0], block, c, r, scratch);
        for (int64_t k = 0; k < in.w * lanes<T>; k += lanes<T>) sum += load(from + k);
      }
      store(out, sum * (T(1) / static_cast<T>(in.h * in.w)));
      break;
    }
    case Op::linear: {
      const View& view = step.in.data[0];
      const Buffer& in = batch.plan->buffers.data[view.buffer];
      const T* weight = batch.params + step.weight + c * in.c * in.h * in.w;
      Vec<T> sum = broadcast(step.bias < 0 ? T(0) : batch.params[step.bias + c]);
      for (int64_t channel = 0; channel < in.c; ++channel) {
        for (int64_t r = 0; r < in.h; ++r) {
          const T* from = view_row(batch, view, block, channel, r, scratch);
          for (int64_t x = 0; x < in.w; ++x) sum += load(from + x * lanes<T>) * *weight++;
        }
      }
      store(out, sum);
      break;
    }
    case Op::add:  // several rows at once
    case Op::avg_pool:
    case Op::product:
    case Op::activation:
    case Op::conv2d:  // steps of their own
    case Op::batch_norm:
    case Op::relu:
    case Op::zeros:
    case Op::none:
      break;
  }
}

// Rows [y, y + rows) of channel c of the output, one after the other.
template <typename T>
void instruction_rows(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                      int64_t rows, T* scratch, T* out) {
  switch (step.op) {
    case Op::add:
      return add_views(batch, step, block, c, y, rows, scratch, out);
    case Op::avg_pool:
      return avg_pool_rows<T, false>(batch, step, step.in, block, c, y, rows, scratch, out);
    case Op::product:
      return multiply_views(batch, step, block, c, y, rows, scratch, out);
    case Op::activation:
      return apply_to_view(batch, step, block, c, y, rows, out);
    case Op::concat:
    case Op::pad:
    case Op::max_pool:
    case Op::scale:
    case Op::global_avg_pool:
    case Op::linear: {
      const int64_t row = columns_of(batch, step.out) * lanes<T>;
      for (int64_t r = 0; r < rows; ++r) {
        instruction_row(batch, step, block, c, y + r, scratch, out + r * row);
      }
      return;
    }
    case Op::conv2d:      // forward_block
    case Op::batch_norm:  // views and what makes nothing
    case Op::relu:
    case Op::zeros:
    case Op::none:
      return;
  }
}

// Adds the gradient of a product to row y of one factor: times the other factor, which may have one
// pixel for all; summed over all pixels where this one has.
template <typename T>
void add_product_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block, int64_t c,
                          int64_t y, const Shape& in, T* scratch, T* to) {
  T* more = scratch + batch.plan->strip_pixels * lanes<T>;
  const auto gradients = [&](int64_t row) {
    return gradient_row(batch, from.from, block, c, row, scratch);
  };
  const auto factors = [&](int64_t row) {
    return view_row(batch, from.other, block, c, row, more);
  };
  const int64_t count = from.out_w * lanes<T>;
  const Buffer& other = batch.plan->buffers.data[from.other.buffer];
  if (in.h != from.out_h || in.w != from.out_w) {
    Vec<T> sum = load(to);
    for (int64_t r = 0; r < from.out_h; ++r) {
      const T *g = gradients(r), *f = factors(r);
      for (int64_t k = 0; k < count; k += lanes<T>) sum += load(g + k) * load(f + k);
    }
    store(to, sum);
  } else if (other.h == in.h && other.w == in.w) {
    const T *g = gradients(y), *f = factors(y);
    for (int64_t k = 0; k < count; k += lanes<T>) {
      store(to + k, load(to + k) + load(g + k) * load(f + k));
    }
  } else {
    const T* g = gradients(y);
    const Vec<T> f = load(factors(0));
    for (int64_t k = 0; k < count; k += lanes<T>) store(to + k, load(to + k) + load(g + k) * f);
  }
}

// Adds what an instruction that reads a gradient's value gives to row y of channel c of it; `in` is
// its shape.
template <typename T>
void add_instruction_gradient(const Batch<T>& batch, const RowGradient& from, int64_t block,
                              int64_t c, int64_t y, const Shape& in, T* scratch, T* to) {
  switch (from.op) {
    case Op::pad: {
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
    case Op::avg_pool:
      add_avg_pool_gradient(batch, from, block, c, y, in, scratch, to);
      break;
    case Op::max_pool:
      add_max_pool_gradient(batch, from, block, c, y, in, scratch, to);
      break;
    case Op::product:
    case Op::activation:  // the derivatives are the other factor
      add_product_gradient(batch, from, block, c, y, in, scratch, to);
      break;
    case Op::global_avg_pool: {
      const T* g = gradient_row(batch, from.from, block, c, 0, scratch);
      const Vec<T> part = load(g) * (T(1) / static_cast<T>(in.h * in.w));
      for (int64_t k = 0; k < in.w * lanes<T>; k += lanes<T>) store(to + k, load(to + k) + part);
      break;
    }
    case Op::linear: {
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
    case Op::add:  // handed on as they are
    case Op::concat:
    case Op::scale:
    case Op::conv2d:      // sums of taps
    case Op::batch_norm:  // views
    case Op::relu:
    case Op::zeros:  // reads nothing
    case Op::none:
      break;
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
