// Gram matrices from panels of Jacobian rows, see gram_rows_impl.h: compiled once per instruction
// set, for the engine and for the wide one.
#pragma once

#include <cstdint>

#include "kernels/cpu/isa/target.h"
#include "kernels/cpu/plan/plan.h"

namespace tegnas::cpu::TEGNAS_NARROW_ISA::sweep {

// Weights whose products are added up before float64; twice as many in narrow panels.
constexpr int64_t kGramRows = 32;

// Adds the products of the rows [first, last) of a panel (row-major, columns: x, then y) to xx,
// float64 (x, x), upper block triangle, and to yx, float64 (y, x); yx may be null.
template <typename T>
void gram_panel(const T* panel, int64_t first, int64_t last, int64_t x, int64_t y, double* xx,
                double* yx);

// The same of what has its rows in pairs.
template <typename T>
void gram_pairs(const T* panel, const engine::PairGrad& grad, int64_t x, int64_t y, double* xx,
                double* yx);

// Doubles of the panel that coupled rows are transposed into, by columns of images.
inline int64_t gram_doubles(int64_t columns) { return kGramRows * columns; }

}  // namespace tegnas::cpu::TEGNAS_NARROW_ISA::sweep

#if defined(TEGNAS_WIDE)
namespace tegnas::cpu::TEGNAS_ISA::sweep {

using TEGNAS_NARROW_ISA::sweep::gram_doubles;
using TEGNAS_NARROW_ISA::sweep::gram_pairs;
using TEGNAS_NARROW_ISA::sweep::gram_panel;
using TEGNAS_NARROW_ISA::sweep::kGramRows;

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
#endif
