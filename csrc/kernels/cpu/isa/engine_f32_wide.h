// The engine in float32 with vectors of several registers, for the instruction set of the including
// file: what is done once for every row and channel is done for more images.

#undef TEGNAS_ISA
#define TEGNAS_ISA TEGNAS_WIDE_ISA
#define TEGNAS_REGISTERS TEGNAS_WIDE_REGISTERS

#include "engine_f32.h"
