// Kinds of tasks, and what holds for all tasks of one kind.
#pragma once

#include <cstdint>

#include "kernels/program/instructions.h"

namespace tegnas::cuda::grouped {

enum class Kind : int8_t {
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
  none,
};

// What is compiled: kinds that divide their work among threads alike share a kernel and so a
// launch, as far as they need about as many registers.
enum class Kernel : int8_t {
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
  none,
};
constexpr int kKernels = static_cast<int>(Kernel::none);

const char* kernel_name(Kernel kernel);

// What a task is cut into for threads.
enum class Cut : int32_t {
  outputs,        // a thread per number that is written
  inputs,         // or per number of `in`, whose gradient is written
  words,          // or per 32 numbers of `in`
  output_pixels,  // or per pixel and kTile channels
  input_pixels,
  channels,      // a block per channel of `in`
  weight_tiles,  // a warp per kTile × kTile weights
  weights,       // or per weight
  scales,        // or per channel of `in`
};

// What a task at least moves and computes (work.cpp).
enum class Effort : int32_t {
  write,
  read,
  parts,     // reads a part of what is written, or all of it
  window,    // a window for each number that is written
  function,  // a function and its derivative of each
  conv,
  linear,
  statistics,
  seed,
  pull,  // a window of a gradient for each number of another
  pull_product,
  pull_conv,
  pull_linear,
  norm_sums,
  conv_rows,
  linear_rows,
  norm_rows,
};

struct KindDescription {
  Kind kind;
  Kernel kernel;
  Cut cut;
  Effort effort;
  Kind gradient;  // of the task that adds to the gradient of `in`; none: there is no such task
};

constexpr KindDescription kKinds[] = {
    {Kind::fill, Kernel::elementwise, Cut::outputs, Effort::write, Kind::none},
    {Kind::conv, Kernel::conv, Cut::output_pixels, Effort::conv, Kind::conv_grad},
    {Kind::sum, Kernel::elementwise, Cut::outputs, Effort::parts, Kind::sum_grad},
    {Kind::avg_pool, Kernel::elementwise, Cut::outputs, Effort::window, Kind::avg_pool_grad},
    {Kind::max_pool, Kernel::elementwise, Cut::outputs, Effort::window, Kind::max_pool_grad},
    {Kind::global_avg_pool, Kernel::elementwise, Cut::outputs, Effort::parts,
     Kind::global_avg_pool_grad},
    {Kind::linear, Kernel::elementwise, Cut::outputs, Effort::linear, Kind::linear_grad},
    {Kind::product, Kernel::gates, Cut::outputs, Effort::parts, Kind::product_grad},
    {Kind::apply, Kernel::gates, Cut::outputs, Effort::function, Kind::product_grad},
    {Kind::statistics, Kernel::statistics, Cut::channels, Effort::statistics, Kind::norm_grad},
    {Kind::signs, Kernel::signs, Cut::words, Effort::read, Kind::none},
    {Kind::seed, Kernel::elementwise_grad, Cut::inputs, Effort::seed, Kind::none},
    {Kind::conv_grad, Kernel::conv_grad, Cut::input_pixels, Effort::pull_conv, Kind::none},
    {Kind::sum_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull, Kind::none},
    {Kind::avg_pool_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull, Kind::none},
    {Kind::max_pool_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull, Kind::none},
    {Kind::global_avg_pool_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull, Kind::none},
    {Kind::linear_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull_linear, Kind::none},
    {Kind::product_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull_product, Kind::none},
    {Kind::norm_sums, Kernel::norm_sums, Cut::channels, Effort::norm_sums, Kind::none},
    {Kind::norm_grad, Kernel::elementwise_grad, Cut::inputs, Effort::pull, Kind::none},
    {Kind::conv_rows, Kernel::conv_rows, Cut::weight_tiles, Effort::conv_rows, Kind::none},
    {Kind::linear_rows, Kernel::rows, Cut::weights, Effort::linear_rows, Kind::none},
    {Kind::norm_rows, Kernel::rows, Cut::scales, Effort::norm_rows, Kind::none},
};

// The task that makes an instruction's value.
constexpr Kind kind_of(tegnas::engine::Op op) {
  using tegnas::engine::Op;
  switch (op) {
    case Op::conv2d:
      return Kind::conv;
    case Op::avg_pool:
      return Kind::avg_pool;
    case Op::max_pool:
      return Kind::max_pool;
    case Op::add:
    case Op::concat:
    case Op::pad:
    case Op::scale:
      return Kind::sum;
    case Op::global_avg_pool:
      return Kind::global_avg_pool;
    case Op::linear:
      return Kind::linear;
    case Op::product:
      return Kind::product;
    case Op::activation:
      return Kind::apply;
    case Op::zeros:
    case Op::batch_norm:  // views, which make nothing
    case Op::relu:
    case Op::none:
      break;
  }
  return Kind::fill;
}

constexpr bool every_kind_is_described() {
  int number = 0;
  for (const KindDescription& each : kKinds) {
    if (each.kind != static_cast<Kind>(number++)) return false;
  }
  return static_cast<Kind>(number) == Kind::none;
}
static_assert(every_kind_is_described(), "kKinds describes every kind, in their order");

constexpr const KindDescription& description_of(Kind kind) {
  return kKinds[static_cast<int>(kind)];
}

constexpr Kernel kernel_of(Kind kind) { return description_of(kind).kernel; }

}  // namespace tegnas::cuda::grouped
