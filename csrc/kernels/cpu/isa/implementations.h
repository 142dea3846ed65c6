// Every kernel but the engine, and the engine's Gram matrices, compiled for the instruction set of
// the including file, and the table of them all.
#pragma once

#include <cstdint>

#include "kernels/cpu/cholesky_impl.h"
#include "kernels/cpu/eigen_impl.h"
#include "kernels/cpu/engine/gram_rows_impl.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/row_distances_impl.h"
#include "kernels/cpu/row_products_impl.h"
#include "kernels/cpu/signs_impl.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/weight_gradient_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {

extern const EngineKernels<float> engine_f32;
extern const EngineKernels<double> engine_f64;

}  // namespace tegnas::cpu::TEGNAS_ISA

namespace tegnas::cpu::TEGNAS_WIDE_ISA {

extern const EngineKernels<float> engine_f32;

}  // namespace tegnas::cpu::TEGNAS_WIDE_ISA

namespace tegnas::cpu::TEGNAS_ISA {

extern const Kernels table;
const Kernels table = {
#define TEGNAS_STRING_(x) #x
#define TEGNAS_STRING(x) TEGNAS_STRING_(x)
    TEGNAS_STRING(TEGNAS_ISA),
    add_row_products,
    weight_gradient_f32,
    weight_gradient_f64,
    signs_f32,
    signs_f64,
    signs_bool,
    row_distances,
    lanes<double>,
    eigen_workspace,
    extreme_eigenvalues_interleaved,
    extreme_eigenvalues_single,
    eigenvalues_interleaved,
    eigenvalues_single,
    cholesky_factorise,
    squared_error,
    inverse_sums,
    &engine_f32,
    &TEGNAS_WIDE_ISA::engine_f32,
    &engine_f64,
};

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
