#include "kernels/cpu/isa/implementations.h"
