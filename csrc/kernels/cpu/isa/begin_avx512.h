// What follows is compiled for AVX-512. The file ends with end_target.h.
#include "prelude.h"

#define TEGNAS_TARGET
#if defined(__clang__)
#pragma clang attribute push(                                                               \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,popcnt")
#endif

#define TEGNAS_ISA avx512
#define TEGNAS_VECTOR_BYTES 64
#define TEGNAS_WIDE_ISA avx512_wide  // of the engine with vectors of several registers
#define TEGNAS_WIDE_REGISTERS 2
