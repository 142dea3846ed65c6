// Signs of contiguous values as bits: bit f % 64 of word f / 64 is set where value f is positive.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {
namespace signs {

#if TEGNAS_VECTOR_BYTES == 64
inline uint64_t word(const float* values) {
  uint64_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    const __m512 value = _mm512_loadu_ps(values + 16 * i);
    bits |= uint64_t{_mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_GT_OQ)} << (16 * i);
  }
  return bits;
}
inline uint64_t word(const double* values) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) {
    const __m512d value = _mm512_loadu_pd(values + 8 * i);
    bits |= uint64_t{_mm512_cmp_pd_mask(value, _mm512_setzero_pd(), _CMP_GT_OQ)} << (8 * i);
  }
  return bits;
}
#elif TEGNAS_VECTOR_BYTES == 32
inline uint64_t word(const float* values) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) {
    const __m256 positive =
        _mm256_cmp_ps(_mm256_loadu_ps(values + 8 * i), _mm256_setzero_ps(), _CMP_GT_OQ);
    bits |= static_cast<uint64_t>(_mm256_movemask_ps(positive)) << (8 * i);
  }
  return bits;
}
inline uint64_t word(const double* values) {
  uint64_t bits = 0;
  for (int i = 0; i < 16; ++i) {
    const __m256d positive =
        _mm256_cmp_pd(_mm256_loadu_pd(values + 4 * i), _mm256_setzero_pd(), _CMP_GT_OQ);
    bits |= static_cast<uint64_t>(_mm256_movemask_pd(positive)) << (4 * i);
  }
  return bits;
}
#else
template <typename T>
inline uint64_t word(const T* values) {
  uint64_t bits = 0;
  for (int i = 0; i < 64; ++i) bits |= uint64_t{values[i] > 0} << i;
  return bits;
}
#endif

// Eight bytes of 0 or 1 to eight bits: the product brings bit 8i to bit 56 + i.
inline uint64_t word(const uint8_t* values) {
  uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) {
    uint64_t eight = 0;
    for (int j = 0; j < 8; ++j) eight |= uint64_t{values[8 * i + j]} << (8 * j);
    bits |= ((eight * 0x0102040810204080u) >> 56) << (8 * i);
  }
  return bits;
}

template <typename T>
inline void all(const T* values, int64_t count, uint64_t* words) {
  int64_t f = 0;
  for (; f + 64 <= count; f += 64) *words++ = word(values + f);
  if (f == count) return;
  T rest[64] = {};
  for (int64_t i = f; i < count; ++i) rest[i - f] = values[i];
  *words = word(rest);
}

}  // namespace signs

void signs_f32(const float* values, int64_t count, uint64_t* words) {
  signs::all(values, count, words);
}
void signs_f64(const double* values, int64_t count, uint64_t* words) {
  signs::all(values, count, words);
}
void signs_bool(const uint8_t* values, int64_t count, uint64_t* words) {
  signs::all(values, count, words);
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
