// The functions of activations: what is known of each beside its formula (functions_impl.h). A new
// one is a name in the list, a row of the table, and a formula: whatever lists functions or chooses
// among them goes by the table.
#pragma once

#include <cstdint>

namespace tegnas::engine {

// By their names in PyTorch. gelu is the exact one, gelu_tanh the approximation by a hyperbolic
// tangent.
enum class Function : int32_t {
  relu6 = 1,
  sigmoid,
  hardsigmoid,
  silu,
  hardswish,
  gelu,
  gelu_tanh,
  leaky_relu,
  elu,
  tanh,
  mish,
  none,
};

// What a pattern tells apart: numbers above and not above each of these.
struct Thresholds {
  int count;
  double at[2];
};

// Of a ReLU, and of what has no linear pieces: above zero or not.
constexpr Thresholds kAboveZero = {1, {0, 0}};

struct FunctionDescription {
  Function function;
  const char* name;
  Thresholds thresholds;
  bool keeps_zero;  // of zero it is zero
  bool below;       // it has a factor below zero to be chosen
};

constexpr FunctionDescription kFunctions[] = {
    {Function::relu6, "relu6", {2, {0, 6}}, true, false},
    {Function::sigmoid, "sigmoid", kAboveZero, false, false},
    {Function::hardsigmoid, "hardsigmoid", {2, {-3, 3}}, false, false},
    {Function::silu, "silu", kAboveZero, true, false},
    {Function::hardswish, "hardswish", kAboveZero, true, false},
    {Function::gelu, "gelu", kAboveZero, true, false},
    {Function::gelu_tanh, "gelu_tanh", kAboveZero, true, false},
    {Function::leaky_relu, "leaky_relu", kAboveZero, true, true},
    {Function::elu, "elu", kAboveZero, true, true},
    {Function::tanh, "tanh", kAboveZero, true, false},
    {Function::mish, "mish", kAboveZero, true, false},
};

constexpr bool every_function_is_described() {
  int number = 1;
  for (const FunctionDescription& each : kFunctions) {
    if (each.function != static_cast<Function>(number++)) return false;
  }
  return static_cast<Function>(number) == Function::none;
}
static_assert(every_function_is_described(), "kFunctions describes every function, in their order");

constexpr bool is_function(int64_t number) {
  return number >= 1 && number < static_cast<int64_t>(Function::none);
}

constexpr const FunctionDescription& description_of(Function function) {
  return kFunctions[static_cast<int>(function) - 1];
}

}  // namespace tegnas::engine
