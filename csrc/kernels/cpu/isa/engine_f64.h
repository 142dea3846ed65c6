// The engine in float64 for the instruction set of the including file; a file of its own because
// it takes the compiler longer than everything else.
#pragma once

#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/engine/sweep_impl.h"
#include "kernels/cpu/isa/target.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {

extern const EngineKernels<double> engine_f64;
const EngineKernels<double> engine_f64 = sweep::engine_table<double>;

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
