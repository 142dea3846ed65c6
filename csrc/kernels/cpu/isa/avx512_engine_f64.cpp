#if defined(__x86_64__)
#define TEGNAS_FOR_AVX512
#include "kernels/cpu/isa/engine_f64.h"
#endif
