#if defined(__x86_64__)
#define TEGNAS_FOR_AVX512
#define TEGNAS_WIDE
#include "kernels/cpu/isa/engine_f32.h"
#endif
