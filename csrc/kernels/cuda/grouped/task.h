// Tasks: what launches do for one network, as plain numbers that a device reads.
//
// A program becomes a list of tasks once (emit.h): one for each value that an instruction reads.
// The same task is carried out forward, backward and for rows of the Jacobian, each time by a
// kernel of its own; what many networks have to do with one kernel, and waits for nothing else,
// runs as one launch (schedule.h). Memory is counted in numbers per image: value (c, y, x) of image
// i lies at (at + (c·h + y)·w + x) · images + i, so that neighbouring threads read neighbouring
// images.
//
// Batch norm and ReLU are never carried out on their own. A consumer reads a view: a buffer seen
// through the coefficients of a norm and a ReLU. A gradient that has only passed a frozen norm is a
// view too: the gradient behind the norm times its scale.
//
// There are a hundred tasks per network, and writing, copying and reading them takes as long as
// they are large: positions are counted in 32 bits, and what they don't count is refused.
#pragma once

#include <cstdint>

#include "kernels/cuda/grouped/kinds.h"
#include "kernels/program/program.h"

namespace tegnas::cuda::grouped {

struct Place {
  int32_t at = 0;
  int32_t c = 0, h = 1, w = 1;

  constexpr int64_t pixels() const { return int64_t{h} * w; }
  constexpr int64_t size() const { return c * pixels(); }
};

// The images themselves are the place before all others.
constexpr int32_t kImages = -1;

// A place where nothing lies.
constexpr int32_t kNowhere = -2;

struct View {
  Place place;
  int32_t norm = -1;  // first channel of its coefficients, -1: none
  bool relu = false;
};

// Times the scale of the norm, where there is one. It has the shape of what it is the gradient of.
struct GradientView {
  int32_t at = 0;
  int32_t norm = -1;  // first channel of its coefficients
};

// In 16 bits each, which would do, they would take more registers than rows of convolutions have.
struct Geometry {
  int32_t kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0, dh = 1, dw = 1;
};

struct Task {
  Kind kind = Kind::fill;      // in the sweep forward
  Kind gradient = Kind::none;  // in the sweep back: what adds to the gradient of `in`
  Kind rows = Kind::none;      // what makes rows of the Jacobian
  bool include_pad = false;    // avg_pool
  int32_t parts = 1;           // sum, product: this and following tasks; 0: such a one
  View in;
  // product: the second factor. product_grad: what multiplies the gradient. What forward tasks
  // leave for it: max_pool the pixel of each maximum, apply the derivatives (nowhere without
  // gradients).
  View other;
  Place out;                // the value that is written; statistics: that of `in`, for its shape
  GradientView grad;        // backward: what is read, the gradient of what is made
  int32_t into = kNowhere;  // backward: the gradient of `in`, which is written
  bool first = true;        // assigns it; otherwise adds to what an earlier task wrote
  Geometry window;
  int32_t groups = 1;
  int32_t weight = -1, bias = -1, factor = -1;  // offsets into the parameters
  int32_t channel = 0, top = 0, left = 0;       // sum: where `in` begins in `out`
  int32_t row = 0;                              // rows: the first
  int32_t word = 0;                             // signs: the first 32-bit word
  tegnas::engine::Function function = tegnas::engine::Function::relu6;  // apply
  double number = 0;  // statistics: eps; signs: the threshold; apply: the factor below zero
};

// Which of a task's kinds a kernel carries out.
constexpr Kind kind_in(Kernel kernel, const Task& task) {
  switch (kernel) {
    case Kernel::elementwise:
    case Kernel::gates:
    case Kernel::conv:
    case Kernel::statistics:
    case Kernel::signs:
      return task.kind;
    case Kernel::elementwise_grad:
    case Kernel::conv_grad:
      return task.gradient;
    case Kernel::norm_sums:
      return Kind::norm_sums;
    case Kernel::conv_rows:
    case Kernel::rows:
      return task.rows;
    case Kernel::none:
      break;
  }
  return Kind::none;
}

}  // namespace tegnas::cuda::grouped
