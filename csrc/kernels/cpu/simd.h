// Vectors of the instruction set that is compiled for (isa/target.h).
#pragma once

#include "kernels/cpu/isa/target.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {

template <typename T>
struct VecOf;
template <>
struct VecOf<float> {
  typedef float type __attribute__((vector_size(TEGNAS_VECTOR_BYTES)));
  typedef float unaligned
      __attribute__((vector_size(TEGNAS_VECTOR_BYTES), aligned(alignof(float)), may_alias));
};
template <>
struct VecOf<double> {
  typedef double type __attribute__((vector_size(TEGNAS_VECTOR_BYTES)));
  typedef double unaligned
      __attribute__((vector_size(TEGNAS_VECTOR_BYTES), aligned(alignof(double)), may_alias));
};

template <typename T>
using Vec = typename VecOf<T>::type;

template <typename T>
constexpr int lanes = TEGNAS_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <typename T>
inline Vec<T> load(const T* from) {
  return *reinterpret_cast<const typename VecOf<T>::unaligned*>(from);
}

template <typename T>
inline void store(T* to, Vec<T> value) {
  *reinterpret_cast<typename VecOf<T>::unaligned*>(to) = value;
}

template <typename T>
inline Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}

template <typename T>
inline T sum_lanes(Vec<T> value) {
  T total = 0;
  for (int i = 0; i < lanes<T>; ++i) total += value[i];
  return total;
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
