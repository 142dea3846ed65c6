// Vectors of several registers: pairs of pairs of registers, with the arithmetic of one.
#pragma once

#include "kernels/cpu/registers.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {

template <typename V>
struct Pair {
  V low, high;
};

#define TEGNAS_PAIR_OPERATOR(op)                                             \
  template <typename V>                                                      \
  inline auto operator op(Pair<V> a, Pair<V> b) {                            \
    return Pair<decltype(a.low op b.low)>{a.low op b.low, a.high op b.high}; \
  }
TEGNAS_PAIR_OPERATOR(+)
TEGNAS_PAIR_OPERATOR(-)
TEGNAS_PAIR_OPERATOR(*)
TEGNAS_PAIR_OPERATOR(>)
TEGNAS_PAIR_OPERATOR(==)
TEGNAS_PAIR_OPERATOR(!=)
TEGNAS_PAIR_OPERATOR(|)
#undef TEGNAS_PAIR_OPERATOR

// With one number for all lanes.
#define TEGNAS_PAIR_OPERATOR(op, T)            \
  template <typename V>                        \
  inline Pair<V> operator op(Pair<V> a, T b) { \
    return {a.low op b, a.high op b};          \
  }
TEGNAS_PAIR_OPERATOR(+, float)
TEGNAS_PAIR_OPERATOR(-, float)
TEGNAS_PAIR_OPERATOR(*, float)
TEGNAS_PAIR_OPERATOR(+, double)
TEGNAS_PAIR_OPERATOR(-, double)
TEGNAS_PAIR_OPERATOR(*, double)
#undef TEGNAS_PAIR_OPERATOR

template <typename V>
inline Pair<V>& operator+=(Pair<V>& a, Pair<V> b) {
  a.low += b.low;
  a.high += b.high;
  return a;
}

template <typename M, typename V>
inline Pair<V> select(Pair<M> mask, Pair<V> a, Pair<V> b) {
  return {select(mask.low, a.low, b.low), select(mask.high, a.high, b.high)};
}

// The type of a vector of kCount registers V, a power of two.
template <typename V, int kCount>
struct Registers {
  using Half = Registers<V, kCount / 2>;
  using type = Pair<typename Half::type>;

  template <typename T>
  static inline type load(const T* from) {
    return {Half::load(from), Half::load(from + kCount / 2 * register_lanes<T>)};
  }
  template <typename T>
  static inline void store(T* to, type value) {
    Half::store(to, value.low);
    Half::store(to + kCount / 2 * register_lanes<T>, value.high);
  }
  template <typename T>
  static inline type fill(T value) {
    return {Half::fill(value), Half::fill(value)};
  }
};

template <typename V>
struct Registers<V, 1> {
  using type = V;

  template <typename T>
  static inline type load(const T* from) {
    return load_register(from);
  }
  template <typename T>
  static inline void store(T* to, type value) {
    store_register(to, value);
  }
  template <typename T>
  static inline type fill(T value) {
    return fill_register(value);
  }
};

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
