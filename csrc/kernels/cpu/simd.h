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

#ifndef TEGNAS_REGISTERS
#define TEGNAS_REGISTERS 1
#endif
#include "register_pairs_impl.h"

namespace tegnas::cpu::TEGNAS_ISA {

// A vector: TEGNAS_REGISTERS registers, 1 unless the including file says otherwise.
template <typename T>
using Vec = typename Registers<Register<T>, TEGNAS_REGISTERS>::type;

template <typename T>
constexpr int lanes = TEGNAS_REGISTERS * register_lanes<T>;

template <typename T>
inline Vec<T> load(const T* from) {
  return Registers<Register<T>, TEGNAS_REGISTERS>::load(from);
}

template <typename T>
inline void store(T* to, Vec<T> value) {
  Registers<Register<T>, TEGNAS_REGISTERS>::store(to, value);
}

template <typename T>
inline Vec<T> broadcast(T value) {
  return Registers<Register<T>, TEGNAS_REGISTERS>::fill(value);
}

template <typename T>
inline T sum_lanes(Vec<T> value) {
  T numbers[lanes<T>], total = 0;
  store(numbers, value);
  for (int i = 0; i < lanes<T>; ++i) total += numbers[i];
  return total;
}

}  // namespace tegnas::cpu::TEGNAS_ISA
