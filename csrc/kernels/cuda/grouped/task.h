// Tasks: what one launch does for one network, as plain numbers that a device reads.
//
// A program becomes a list of tasks once (emit.h); tasks of many networks that wait for nothing
// else and have the same kernel run as one launch (schedule.h). Memory is counted in numbers per
// image: value (c, y, x) of image i lies at (at + (c·h + y)·w + x) · images + i, so that
// neighbouring threads read neighbouring images.
//
// Batch norm and ReLU are never carried out on their own. A consumer reads a view: a buffer seen
// through the coefficients of a norm and a ReLU. A gradient that has only passed a frozen norm is a
// view too: the gradient behind the norm times its scale.
#pragma once

#include <cstdint>

#include "kernels/program/program.h"

namespace tegnas::cuda::grouped {

enum class Kind : int32_t {
  fill,
  conv,
  sum,  // add, concat, pad, scale: of parts that each cover some of the output
  avg_pool,
  max_pool,
  global_avg_pool,
  linear,
  product,  // two tasks, one per factor, of which the first is run
  apply,    // a function to every number
  statistics,
  signs,
  // The backward sweep. What is written is the gradient of `in`, through its ReLU.
  seed,
  conv_grad,
  sum_grad,  // of one part
  avg_pool_grad,
  max_pool_grad,
  global_avg_pool_grad,
  linear_grad,
  product_grad,  // of one factor; of what was given to a function as well
  norm_sums,     // coupled: of the gradient, and of the gradient times the normalised input
  norm_grad,
  // Rows of the Jacobian.
  conv_rows,
  linear_rows,
  norm_rows,
  count
};

// What is compiled: kinds that divide their work among threads alike share a kernel and so a
// launch, as far as they need about as many registers.
enum class Kernel : int32_t {
  elementwise,
  gates,  // products and functions: with them the kernel above would take a quarter more registers
  conv,
  statistics,
  signs,
  elementwise_grad,
  conv_grad,
  norm_sums,
  conv_rows,
  rows,
  count
};

constexpr Kernel kernel_of(Kind kind) {
  switch (kind) {
    case Kind::fill:
    case Kind::sum:
    case Kind::avg_pool:
    case Kind::max_pool:
    case Kind::global_avg_pool:
    case Kind::linear:
      return Kernel::elementwise;
    case Kind::product:
    case Kind::apply:
      return Kernel::gates;
    case Kind::conv:
      return Kernel::conv;
    case Kind::statistics:
      return Kernel::statistics;
    case Kind::signs:
      return Kernel::signs;
    case Kind::seed:
    case Kind::sum_grad:
    case Kind::avg_pool_grad:
    case Kind::max_pool_grad:
    case Kind::global_avg_pool_grad:
    case Kind::linear_grad:
    case Kind::product_grad:
    case Kind::norm_grad:
      return Kernel::elementwise_grad;
    case Kind::conv_grad:
      return Kernel::conv_grad;
    case Kind::norm_sums:
      return Kernel::norm_sums;
    case Kind::conv_rows:
      return Kernel::conv_rows;
    case Kind::linear_rows:
    case Kind::norm_rows:
      return Kernel::rows;
    case Kind::count:
      break;
  }
  return Kernel::count;
}

const char* kernel_name(Kernel kernel);

struct Place {
  int64_t at = 0;
  int32_t c = 0, h = 1, w = 1;
  int32_t id = 0;  // number among the places of its sweep; that of the images is 0

  constexpr int64_t pixels() const { return int64_t{h} * w; }
  constexpr int64_t size() const { return c * pixels(); }
};

// The images themselves are the place before all others.
constexpr int64_t kImages = -1;

// A place where nothing lies.
constexpr int64_t kNowhere = -2;

struct View {
  Place place;
  int32_t norm = -1;  // first channel of its coefficients, -1: none
  bool relu = false;
};

// Times the scale of the norm, where there is one.
struct GradientView {
  Place place;
  int32_t norm = -1;  // first channel of its coefficients
};

struct Geometry {
  int32_t kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0, dh = 1, dw = 1;
};

struct Task {
  Kind kind = Kind::fill;
  bool first = true;  // assigns; otherwise adds to what an earlier task wrote
  View in;
  // product: the second factor. product_grad: what multiplies the gradient. What forward tasks
  // leave for it: max_pool the pixel of each maximum, apply the derivatives (nowhere without
  // gradients).
  View other;
  Place out;          // what is written: a value, or in the backward sweep a gradient
  GradientView grad;  // backward: what is read
  Geometry window;
  int32_t groups = 1;
  bool include_pad = false;                             // avg_pool
  bool body = false;                                    // its weight lies inside the searched cells
  int64_t weight = -1, bias = -1, factor = -1;          // offsets into the parameters
  int32_t channel = 0, top = 0, left = 0;               // sum: where `in` begins in `out`
  int32_t parts = 1;                                    // sum, product: this and following tasks;
                                                        // 0: such a one
  int64_t row = 0;                                      // rows: the first
  int32_t word = 0;                                     // signs: the first 32-bit word
  tegnas::engine::Function function = tegnas::engine::Function::relu6;  // apply
  double number = 0;  // statistics: eps; signs: the threshold; apply: the slope below zero
};

}  // namespace tegnas::cuda::grouped
