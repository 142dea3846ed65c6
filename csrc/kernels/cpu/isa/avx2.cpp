#if defined(__x86_64__)
#define TEGNAS_FOR_AVX2
#include "kernels/cpu/isa/implementations.h"
#endif
