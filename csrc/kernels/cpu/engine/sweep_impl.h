// The executor of the native engine for one instruction set: a table of its entry points.
#pragma once

#include "kernels/cpu/engine/coupled_impl.h"
#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/engine/forward_impl.h"
#include "kernels/cpu/engine/frozen_impl.h"
#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

template <typename T>
constexpr EngineKernels<T> engine_table = {
    lanes<T>,       gram_doubles,        pack_images<T>,  stem<T>,        forward<T>,
    copy_logits<T>, prepare_backward<T>, frozen_sweep<T>, coupled_row<T>, coupled_grams<T>,
};

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
