// Vectors of the instruction set that is compiled for (isa/target.h).
#pragma once

#include "kernels/cpu/isa/target.h"
#include "kernels/cpu/register_pairs_impl.h"
#include "kernels/cpu/registers.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {

// A vector: TEGNAS_REGISTERS registers.
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
TEGNAS_TARGET_END
