// Tasks: what one launch does for one network, as plain numbers that a device reads.
//
// A program becomes a list of tasks once (emit.h); the tasks of many networks that have the same
// level and kind run as one launch (schedule.h). Memory is counted in numbers per image: value
// (c, y, x) of image i lies at (at + (c·h + y)·w + x) · images + i, so that neighbouring threads
// read neighbouring images.
//
// Batch norm and ReLU are never carried out on their own. A consumer reads a view: a buffer seen
// through the coefficients of a norm and a ReLU.
#pragma once

#include <cstdint>

namespace tegnas::grouped {

enum class Kind : int32_t {
  fill,
  conv,
  copy,  // add, concat, pad, scale: one source of one output
  avg_pool,
  max_pool,
  global_avg_pool,
  linear,
  statistics,
  signs,
  // The backward sweep. What is written is the gradient of `in`, through its ReLU.
  seed,
  conv_grad,
  copy_grad,
  avg_pool_grad,
  max_pool_grad,
  global_avg_pool_grad,
  linear_grad,
  norm_sums,  // coupled: of the gradient, and of the gradient times the normalised input
  norm_grad,
  // Rows of the Jacobian.
  conv_rows,
  linear_rows,
  norm_rows,
  count
};

const char* kind_name(Kind kind);

struct Place {
  int64_t at = 0;
  int32_t c = 0, h = 1, w = 1;

  constexpr int64_t pixels() const { return int64_t{h} * w; }
  constexpr int64_t size() const { return c * pixels(); }
};

// The images themselves are the place before all others.
constexpr int64_t kImages = -1;

struct View {
  Place place;
  int32_t norm = -1;  // first channel of its coefficients, -1: none
  bool relu = false;
};

struct Geometry {
  int32_t kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0, dh = 1, dw = 1;
};

struct Task {
  Kind kind = Kind::fill;
  bool first = true;  // assigns; otherwise adds to what an earlier task wrote
  View in;
  Place out;    // what is written: a value, or in the backward sweep a gradient
  Place grad;   // backward: the gradient that is read
  Place index;  // max_pool: the pixel of each maximum
  Geometry window;
  int32_t groups = 1;
  bool include_pad = false;                     // avg_pool
  int64_t weight = -1, bias = -1, factor = -1;  // offsets into the parameters
  int32_t channel = 0, top = 0, left = 0;       // copy: where `in` begins in `out`
  double eps = 0;                               // statistics
  int64_t row = 0;                              // rows: the first
  int32_t word = 0;                             // signs: the first 32-bit word
};

}  // namespace tegnas::grouped
