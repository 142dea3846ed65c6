// The instructions of programs (program.h): what is known of each whatever computes it. Beside its
// row an instruction has a shape rule (program.cpp) and its arithmetic on either back end, forward
// and back (docs/contributing.md).
//
//   op                code  operands after [opcode, words]
//   conv2d               1  in, out_channels, kh, kw, sh, sw, ph, pw, dh, dw, groups,
//                           weight, bias?, flags          weight (out, in/groups, kh, kw)
//   batch_norm           2  in, eps, weight?, bias?, flags    eps: bits of a float64
//   relu                 3  in, flags
//   avg_pool             4  in, kh, kw, sh, sw, ph, pw, count_include_pad (0 or 1)
//   max_pool             5  in, kh, kw, sh, sw, ph, pw
//   add                  6  in, in, ...                   one input or more, all of one shape
//   zeros                7  channels, height, width
//   scale                8  in, factor                    multiplies by one parameter, which is
//                                                         not a weight of the kernel
//   concat               9  in, in, ...                   along channels
//   pad                 10  in, left, right, top, bottom  zero padding; negative crops, as in
//                                                         torch.nn.functional.pad
//   global_avg_pool     11  in                            -> (C, 1, 1)
//   linear              12  in, out_features, weight, bias?, flags
//                           flattens (C, H, W); weight (out, C*H*W); -> (out_features, 1, 1)
//   product             13  in, in                        number by number; of one shape, or one of
//                                                         the two (C, 1, 1) for every pixel
//   activation          14  in, function, below, flags    number by number; `function` as numbered
//                                                         in functions.h; `below`: bits of a
//                                                         float64, the factor below zero where the
//                                                         function has one to be chosen, else 0
//
// flags of conv2d, batch_norm, linear: 1 = searched (its weight is one of those that are searched).
// flags of relu, activation: 1 = counted (it belongs to the activation pattern of count_regions).
// A pattern says in which piece of a function a number lies: above zero or not, between the corners
// of relu6 (0, 6) and of hardsigmoid (-3, 3), and above zero or not too for what has no linear
// pieces.
#pragma once

#include <cstdint>

namespace tegnas::engine {

enum class Op : int64_t {
  conv2d = 1,
  batch_norm,
  relu,
  avg_pool,
  max_pool,
  add,
  zeros,
  scale,
  concat,
  pad,
  global_avg_pool,
  linear,
  product,
  activation,
  none,
};

constexpr int64_t kEveryOperand = -1;  // inputs: all operands are

struct OpDescription {
  Op op;
  const char* name;
  int64_t inputs;  // operands that are numbers of values; they come first
};

constexpr OpDescription kOps[] = {
    {Op::conv2d, "conv2d", 1},
    {Op::batch_norm, "batch_norm", 1},
    {Op::relu, "relu", 1},
    {Op::avg_pool, "avg_pool", 1},
    {Op::max_pool, "max_pool", 1},
    {Op::add, "add", kEveryOperand},
    {Op::zeros, "zeros", 0},
    {Op::scale, "scale", 1},
    {Op::concat, "concat", kEveryOperand},
    {Op::pad, "pad", 1},
    {Op::global_avg_pool, "global_avg_pool", 1},
    {Op::linear, "linear", 1},
    {Op::product, "product", 2},
    {Op::activation, "activation", 1},
};

constexpr bool every_op_is_described() {
  int64_t number = 1;
  for (const OpDescription& each : kOps) {
    if (each.op != static_cast<Op>(number++)) return false;
  }
  return static_cast<Op>(number) == Op::none;
}
static_assert(every_op_is_described(), "kOps describes every instruction, in their order");

constexpr bool is_op(int64_t number) {
  return number >= 1 && number < static_cast<int64_t>(Op::none);
}

constexpr const OpDescription& description_of(Op op) { return kOps[static_cast<int64_t>(op) - 1]; }

}  // namespace tegnas::engine
