// Vectors of the instruction set that the including translation unit is compiled for.
//
// Every file of cpu/isa/ sets TEGNAS_ISA (a namespace) and TEGNAS_VECTOR_BYTES, switches the
// compiler to its target and then includes the kernel implementations (*_impl.h). So each
// implementation is written once, in plain loops over these vectors, and compiled once per
// instruction set. Implementations use no standard-library templates after the target switch
// (their out-of-line copies would be shared with code that runs on older machines).
#pragma once

#ifndef TEGNAS_ISA
#error "simd.h is for the kernel implementations that cpu/isa/*.cpp include"
#endif

#include <cstdint>

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
