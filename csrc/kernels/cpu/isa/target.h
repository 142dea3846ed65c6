// The instruction set that is compiled for.
//
// Every kernel implementation (*_impl.h) is written once, in plain loops over vectors (simd.h), and
// compiled once per instruction set: a file of this folder defines TEGNAS_FOR_AVX2 or
// TEGNAS_FOR_AVX512, or neither for any machine, before it includes implementations. Their code
// stands in the namespace TEGNAS_ISA and between TEGNAS_TARGET_BEGIN and TEGNAS_TARGET_END, which
// switch the compiler to the instruction set and back; includes stand before. There it uses no
// standard-library templates (their out-of-line copies would be shared with code that runs on
// older machines).
//
// With TEGNAS_WIDE besides, vectors are of several registers and TEGNAS_ISA is TEGNAS_WIDE_ISA, not
// TEGNAS_NARROW_ISA: the engine then does for more images what it does once for every row and
// channel.
#pragma once

#if defined(TEGNAS_FOR_AVX512)
#define TEGNAS_NARROW_ISA avx512
#define TEGNAS_VECTOR_BYTES 64
#define TEGNAS_WIDE_ISA avx512_wide
#define TEGNAS_WIDE_REGISTERS 2
#define TEGNAS_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt"
#elif defined(TEGNAS_FOR_AVX2)
#define TEGNAS_NARROW_ISA avx2
#define TEGNAS_VECTOR_BYTES 32
#define TEGNAS_WIDE_ISA avx2_wide
#define TEGNAS_WIDE_REGISTERS 4
#define TEGNAS_TARGET "avx2,fma,bmi,bmi2,popcnt"
#else
#define TEGNAS_NARROW_ISA portable
#define TEGNAS_VECTOR_BYTES 16
#define TEGNAS_WIDE_ISA portable  // has none
#define TEGNAS_WIDE_REGISTERS 1
#endif

#if defined(TEGNAS_WIDE)
#define TEGNAS_ISA TEGNAS_WIDE_ISA
#define TEGNAS_REGISTERS TEGNAS_WIDE_REGISTERS
#else
#define TEGNAS_ISA TEGNAS_NARROW_ISA
#define TEGNAS_REGISTERS 1
#endif

#define TEGNAS_PRAGMA_(words) _Pragma(#words)
#define TEGNAS_PRAGMA(words) TEGNAS_PRAGMA_(words)

#if !defined(TEGNAS_TARGET)
#define TEGNAS_TARGET_BEGIN
#define TEGNAS_TARGET_END
#elif defined(__clang__)
#define TEGNAS_TARGET_BEGIN \
  TEGNAS_PRAGMA(clang attribute push(__attribute__((target(TEGNAS_TARGET))), apply_to = function))
#define TEGNAS_TARGET_END TEGNAS_PRAGMA(clang attribute pop)
#else
#define TEGNAS_TARGET_BEGIN       \
  TEGNAS_PRAGMA(GCC push_options) \
  TEGNAS_PRAGMA(GCC target(TEGNAS_TARGET))
#define TEGNAS_TARGET_END TEGNAS_PRAGMA(GCC pop_options)
#endif
