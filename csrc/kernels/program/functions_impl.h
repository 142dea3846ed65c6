// The functions of activations and their derivatives, for one number or for a vector of numbers.
//
// Written once and compiled for every instruction set and for CUDA: the including file sets
// TEGNAS_FUNCTIONS (a namespace) and TEGNAS_INLINE (what stands before a function that is always
// inlined). V is T or a vector of T. Math has what needs more than arithmetic:
//   V falling_exp(V x)   exp(x) for x of at most 0
//   Normal<V> normal(V x) the normal distribution at x

#include "kernels/program/program.h"

#ifndef TEGNAS_FUNCTIONS  // compiled on its own
#define TEGNAS_FUNCTIONS tegnas::engine
#define TEGNAS_INLINE inline
#endif

namespace TEGNAS_FUNCTIONS {

template <typename V>
struct Response {
  V value, slope;
};

template <typename V>
struct Normal {
  V distribution, density;
};

template <tegnas::engine::Function kFunction>
struct Chosen {
  static constexpr tegnas::engine::Function function = kFunction;
};

// visit(Chosen<function>{}), so that the choice is made once for many numbers.
template <int kNumber = 1, typename Visit>
TEGNAS_INLINE void for_function(tegnas::engine::Function function, const Visit& visit) {
  constexpr auto kFunction = static_cast<tegnas::engine::Function>(kNumber);
  if constexpr (kFunction != tegnas::engine::Function::none) {
    if (function == kFunction) return visit(Chosen<kFunction>{});
    for_function<kNumber + 1>(function, visit);
  }
}

template <typename Math, typename V>
TEGNAS_INLINE Response<V> sigmoid(V x, V one) {
  const V zero = {};
  const V small = Math::falling_exp(x < zero ? x : -x);
  const V inverse = one / (one + small);
  return {x < zero ? small * inverse : inverse, small * inverse * inverse};
}

// `below`: the factor below zero of a function that has one to be chosen. NaN gives NaN.
template <tegnas::engine::Function kFunction, typename Math, typename V, typename T>
TEGNAS_INLINE Response<V> respond(V x, T below) {
  using tegnas::engine::Function;
  const V zero = {};
  const V one = T(1) - zero;
  if constexpr (kFunction == Function::relu6) {
    const V most = T(6) - zero;
    const V inside = x < most ? one : zero;
    return {x < zero ? zero : (x > most ? most : x), x > zero ? inside : zero};
  } else if constexpr (kFunction == Function::sigmoid) {
    return sigmoid<Math>(x, one);
  } else if constexpr (kFunction == Function::hardsigmoid || kFunction == Function::hardswish) {
    const V low = T(-3) - zero, high = T(3) - zero;
    const V line = x * T(1.0 / 6) + T(0.5);
    const V gate = x < low ? zero : (x > high ? one : line);
    if constexpr (kFunction == Function::hardsigmoid) {
      const V inside = x < high ? one * T(1.0 / 6) : zero;
      return {gate, x > low ? inside : zero};
    }
    const V inside = x < high ? x * T(1.0 / 3) + T(0.5) : one;
    return {x * gate, x > low ? inside : zero};
  } else if constexpr (kFunction == Function::silu) {
    const Response<V> gate = sigmoid<Math>(x, one);
    return {x * gate.value, gate.value + x * gate.slope};
  } else if constexpr (kFunction == Function::gelu) {
    const Normal<V> normal = Math::normal(x);
    return {x * normal.distribution, normal.distribution + x * normal.density};
  } else if constexpr (kFunction == Function::gelu_tanh) {
    // x (1 + tanh u) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
    const T linear = T(1.5957691216057308), cubic = T(1.5957691216057308 * 0.044715);
    const Response<V> gate = sigmoid<Math>(x * (x * x * cubic + linear), one);
    const V rise = gate.slope * (x * x * (3 * cubic) + linear);
    return {x * gate.value, gate.value + x * rise};
  } else if constexpr (kFunction == Function::elu) {
    const V power = Math::falling_exp(x > zero ? zero : x);
    return {x > zero ? x : (power - one) * below, x > zero ? one : power * below};
  } else if constexpr (kFunction == Function::tanh) {
    const V small = Math::falling_exp(x < zero ? x + x : -(x + x)), sum = one + small;
    const V size = (one - small) / sum;
    return {x < zero ? -size : size, small / (sum * sum) * T(4)};
  } else if constexpr (kFunction == Function::mish) {
    // x tanh(log(1 + exp x)), in e = exp(-|x|): above zero (1 + 2 e) / (1 + 2 e + 2 e^2), below
    // (e^2 + 2 e) / (e^2 + 2 e + 2).
    const V small = Math::falling_exp(x < zero ? x : -x), twice = small + small;
    const V top = x < zero ? small * small + twice : one + twice;
    const V bottom = top + (x < zero ? one + one : small * twice), gate = top / bottom;
    const V rise = (x < zero ? small : small * small) * (one + small) / (bottom * bottom) * T(4);
    return {x * gate, gate + x * rise};
  } else {
    static_assert(kFunction == Function::leaky_relu, "a function without a formula");
    return {x > zero ? x : x * below, x > zero ? one : below - zero};
  }
}

}  // namespace TEGNAS_FUNCTIONS
