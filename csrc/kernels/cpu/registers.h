// Registers of the instruction set that is compiled for (isa/target.h).
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

// What one register of the machine holds.
template <typename T>
using Register = typename VecOf<T>::type;

template <typename T>
constexpr int register_lanes = TEGNAS_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <typename T>
inline Register<T> load_register(const T* from) {
  return *reinterpret_cast<const typename VecOf<T>::unaligned*>(from);
}

template <typename T>
inline void store_register(T* to, Register<T> value) {
  *reinterpret_cast<typename VecOf<T>::unaligned*>(to) = value;
}

template <typename T>
inline Register<T> fill_register(T value) {
  return value - Register<T>{};
}

// mask ? a : b, lane by lane.
template <typename M, typename V>
inline V select(M mask, V a, V b) {
  return mask ? a : b;
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
