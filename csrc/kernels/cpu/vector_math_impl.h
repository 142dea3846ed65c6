// exp and the normal distribution of vectors.
//
// What the functions of activations are within, by these (engine_functions_test.cpp): in float32
// 1.5e-7 for values, relative to the number where that is above one, and 2e-7 for slopes; in
// float64 3e-16 and 4e-16. exp is 0 where it would be below about the smallest normal number.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"
#include "kernels/program/program.h"

TEGNAS_TARGET_BEGIN

#define TEGNAS_FUNCTIONS tegnas::cpu::TEGNAS_ISA
#define TEGNAS_INLINE inline __attribute__((always_inline))
#include "kernels/program/functions_impl.h"
#undef TEGNAS_FUNCTIONS
#undef TEGNAS_INLINE

namespace tegnas::cpu::TEGNAS_ISA {

template <typename T>
struct VectorConstants;

template <>
struct VectorConstants<float> {
  typedef uint32_t Bits __attribute__((vector_size(TEGNAS_VECTOR_BYTES)));
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kLeast = -87;          // exp of it is a normal number
  static constexpr float kRound = 12582912;     // 1.5 * 2^23: what is added to it is rounded
  static constexpr float kLog2 = 0.693359375f;  // of few digits, so that multiples are exact
  static constexpr float kLog2Rest = -2.12194440e-4f;
  // 1 / k!
  static constexpr float kExp[] = {
      1, 1, 0.5f, 0.166666667f, 0.0416666667f, 0.00833333333f, 0.00138888889f, 0.000198412698f};
  // See `normal`.
  static constexpr float kTail[] = {1.25300806f,      -0.135621069f,    -0.0475621569f,
                                    0.129644114f,     -0.119275275f,    0.0683165678f,
                                    -0.0237635764f,   0.00249911687f,   0.00187507912f,
                                    -0.000726453679f, -9.25451669e-05f, 7.73102422e-05f};
};

template <>
struct VectorConstants<double> {
  typedef uint64_t Bits __attribute__((vector_size(TEGNAS_VECTOR_BYTES)));
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kLeast = -708;
  static constexpr double kRound = 6755399441055744;  // 1.5 * 2^52
  static constexpr double kLog2 = 0.693145751953125;
  static constexpr double kLog2Rest = 1.42860682030941723212e-6;
  static constexpr double kExp[] = {1.0,
                                    1.0,
                                    0.5,
                                    0.16666666666666666,
                                    0.041666666666666664,
                                    0.008333333333333333,
                                    0.001388888888888889,
                                    0.0001984126984126984,
                                    2.48015873015873e-05,
                                    2.7557319223985893e-06,
                                    2.755731922398589e-07,
                                    2.505210838544172e-08,
                                    2.08767569878681e-09,
                                    1.6059043836821613e-10};
  static constexpr double kTail[] = {
      1.2530080582697296,      -0.13562110612458117,    -0.04756229435342038,
      0.1296451587027594,      -0.11927366341676002,    0.0683080273440099,
      -0.023770514891530075,   0.0025293918156939696,   0.0018886900977441495,
      -0.0007798322696543306,  -0.00010515831297813128, 0.0001250993424583729,
      4.94412434222366e-06,    -2.0100542268525612e-05, -7.187883834404266e-07,
      3.472370944977168e-06,   3.3669790806407595e-07,  -6.166011460398726e-07,
      -1.205414228648938e-07,  1.0183620603842736e-07,  2.7843881265502222e-08,
      -1.3312919661038687e-08, -3.1813541434969274e-09, 9.862533510345587e-10};
};

// Horner's rule, the coefficients from the constant on.
template <typename T, int kCount>
inline Register<T> polynomial(const T (&coefficients)[kCount], Register<T> x) {
  Register<T> sum = fill_register(coefficients[kCount - 1]);
#pragma GCC unroll 24
  for (int k = kCount - 2; k >= 0; --k) sum = sum * x + coefficients[k];
  return sum;
}

template <typename T>
struct VectorMath {
  using Constants = VectorConstants<T>;

  // x = n log 2 + r with |r| at most log(2) / 2, exp(x) = 2^n exp(r).
  static inline Register<T> falling_exp(Register<T> x) {
    const Register<T> zero = {}, least = fill_register(Constants::kLeast);
    const Register<T> bounded = x < least ? least : x;
    // n, in the lowest bits of the sum.
    const Register<T> sum = bounded * T(1.4426950408889634) + Constants::kRound;
    const Register<T> n = sum - Constants::kRound;
    const Register<T> r = bounded - n * Constants::kLog2 - n * Constants::kLog2Rest;
    using Bits = typename Constants::Bits;
    const Bits power = ((Bits)sum + Constants::kBias) << Constants::kMantissa;
    return x < least ? zero : polynomial(Constants::kExp, r) * (Register<T>)power;
  }

  // The upper tail at z standard deviations times sqrt(2) is erfc(z) / 2 = exp(-z^2) p(t) / (2 + 4
  // z) with t = 1 - 6 / (z + 3), which lies between -1 and 1. p is the polynomial nearest to (1 + 2
  // z) exp(z^2) erfc(z) in the sense of Chebyshev; form of Shepherd and Laframboise, 1981.
  static inline Normal<Register<T>> normal(Register<T> x) {
    const Register<T> zero = {}, one = fill_register(T(1));
    const Register<T> z = (x < zero ? -x : x) * T(0.70710678118654752);
    const Register<T> bell = falling_exp(x * x * T(-0.5));
    const Register<T> t = one - T(6) / (z + T(3));
    const Register<T> tail = bell * polynomial(Constants::kTail, t) / (z * T(4) + T(2));
    return {x < zero ? tail : one - tail, bell * T(0.39894228040143268)};
  }
};

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
