// What the functions of activations are, written as plainly as possible, in any precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/program/functions.h"

namespace tegnas::test {

template <typename F>
struct Exact {
  F value, slope;
};

// `below`: the factor below zero, of functions that have one.
template <typename F>
Exact<F> exact(engine::Function function, F x, F below) {
  using engine::Function;
  const F pi = F(3.14159265358979323846264338328L), zero = 0;
  const auto gate = [](F x) { return 1 / (1 + std::exp(-x)); };
  const auto normal = [](F x) { return std::erfc(-x / std::sqrt(F(2))) / 2; };
  switch (function) {
    case Function::relu6:
      return {std::min(std::max(x, zero), F(6)), F(x > 0 && x < 6)};
    case Function::sigmoid:
      return {gate(x), gate(x) * gate(-x)};
    case Function::hardsigmoid:
      return {std::min(std::max(x / 6 + F(0.5), zero), F(1)), F(x > -3 && x < 3) / 6};
    case Function::silu:
      return {x * gate(x), gate(x) + x * gate(x) * gate(-x)};
    case Function::hardswish:
      if (x <= -3) return {0, 0};
      if (x >= 3) return {x, 1};
      return {x * (x + 3) / 6, x / 3 + F(0.5)};
    case Function::gelu:
      return {x * normal(x), normal(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * pi)};
    case Function::gelu_tanh: {
      const F cubic = F(0.044715L), c = 2 * std::sqrt(2 / pi), u = c * (x + cubic * x * x * x);
      return {x * gate(u), gate(u) + x * gate(u) * gate(-u) * c * (1 + 3 * cubic * x * x)};
    }
    case Function::leaky_relu:
      return {x > 0 ? x : below * x, x > 0 ? F(1) : below};
    case Function::elu:
      return {x > 0 ? x : below * std::expm1(x), x > 0 ? F(1) : below * std::exp(x)};
    case Function::tanh:
      return {std::tanh(x), 1 / (std::cosh(x) * std::cosh(x))};
    case Function::mish: {
      const F gate_of = std::tanh(std::log1p(std::exp(x))),
              rise = (1 - gate_of * gate_of) * gate(x);
      return {x > 100 ? x : x * gate_of, x > 100 ? F(1) : gate_of + x * rise};
    }
    case Function::none:
      break;
  }
  return {F(NAN), F(NAN)};
}

// Where the slope jumps, so that rounding errors decide over it.
inline std::vector<double> jumps(engine::Function function) {
  using engine::Function;
  if (function == Function::relu6) return {0, 6};
  if (function == Function::hardsigmoid || function == Function::hardswish) return {-3, 3};
  if (function == Function::leaky_relu || function == Function::elu) return {0};
  return {};
}

// What a pattern tells apart: the pieces of what is linear in more than two, else the sign.
inline std::vector<double> pattern_corners(engine::Function function) {
  using engine::Function;
  if (function == Function::relu6 || function == Function::hardsigmoid) return jumps(function);
  return {0};
}

// A factor below zero for samples; 0 of functions that have none to be chosen.
inline double some_below(engine::Function function, double below) {
  return engine::description_of(function).below ? below : 0;
}

// Of every function.
inline std::vector<engine::Function> functions() {
  std::vector<engine::Function> all;
  for (const engine::FunctionDescription& each : engine::kFunctions) all.push_back(each.function);
  return all;
}

}  // namespace tegnas::test
