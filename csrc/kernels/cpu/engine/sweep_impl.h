// The executor of the native engine for one instruction set: a table of its entry points.
#include "profile_impl.h"
//
#include "rows_impl.h"
//
#include "norm_impl.h"
#include "pool_impl.h"
#include "tap_conv_impl.h"
//
#define TEGNAS_FUNCTIONS tegnas::cpu::TEGNAS_ISA
#define TEGNAS_INLINE inline __attribute__((always_inline))
#include "kernels/program/functions_impl.h"
#undef TEGNAS_FUNCTIONS
#undef TEGNAS_INLINE
//
#include "../vector_math_impl.h"
//
#include "instructions_impl.h"
//
#include "collect_impl.h"
#include "forward_impl.h"
#include "gram_rows_impl.h"
#include "weight_tiles_impl.h"
//
#include "frozen_impl.h"
//
#include "coupled_impl.h"

namespace tegnas::cpu::TEGNAS_ISA::sweep {

template <typename T>
constexpr EngineKernels<T> engine_table = {
    lanes<T>,       gram_doubles,        pack_images<T>,  stem<T>,        forward<T>,
    copy_logits<T>, prepare_backward<T>, frozen_sweep<T>, coupled_row<T>, coupled_grams<T>,
};

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
