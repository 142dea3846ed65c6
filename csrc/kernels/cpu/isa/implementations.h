// Every kernel implementation, compiled for the instruction set of the including file.

#include "../simd.h"

namespace tegnas::cpu::TEGNAS_ISA {

extern const Kernels table;
const Kernels table = {
#define TEGNAS_STRING_(x) #x
#define TEGNAS_STRING(x) TEGNAS_STRING_(x)
    TEGNAS_STRING(TEGNAS_ISA),
};

}  // namespace tegnas::cpu::TEGNAS_ISA
