#include "kernels/cpu/isa/engine_f32.h"
