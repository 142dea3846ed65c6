#include "kernels/cpu/isa/engine_f64.h"
