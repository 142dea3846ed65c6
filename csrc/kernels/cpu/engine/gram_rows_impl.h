// Gram matrices in float64 from panels of Jacobian rows (one row per weight, images contiguous).
//
// Products of a few rows are added up in the panel's own type, and these sums in float64. In
// float32 that errs by less than the entries do, whose own errors go through convolutions: a sum of
// kGramRows products of size p errs by about 6e-8 kGramRows p / 4, so a diagonal entry over P
// weights by kGramRows / 4 · 6e-8 / sqrt(P) of itself, the errors of its rounded entries by some
// ulps / sqrt(P).
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

constexpr int64_t kGramRows = 32;  // weights whose products are added up before float64
// Rows of a tile; its columns are two vectors. As many sums as the registers hold.
constexpr int kGramTile = TEGNAS_VECTOR_BYTES == 64 ? 8 : 6;

// to[0, lanes of T) += sums, in float64.
inline void add_wide(double* to, Vec<double> sums) { store(to, load(to) + sums); }
inline void add_wide(double* to, Vec<float> sums) {
  typedef float Half __attribute__((vector_size(TEGNAS_VECTOR_BYTES / 2)));
  for (int side = 0; side < 2; ++side, to += lanes<double>) {
    Half half;
    std::memcpy(&half, reinterpret_cast<const char*>(&sums) + side * sizeof(half), sizeof(half));
    store(to, load(to) + __builtin_convertvector(half, Vec<double>));
  }
}

// gram[j][i] += sum over rows of left[j] * right[i], for kTile values j and kVectors vectors i.
template <typename T, int kTile, int kVectors>
inline void gram_tile(const T* left, const T* right, int64_t stride, int64_t rows, double* gram,
                      int64_t gram_stride) {
  Vec<T> sums[kTile][kVectors] = {};
  for (int64_t r = 0; r < rows; ++r) {
    Vec<T> v[kVectors];
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) v[i] = load(right + i * lanes<T>);
#pragma GCC unroll 8
    for (int j = 0; j < kTile; ++j) {
      const Vec<T> u = broadcast(left[j]);
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) sums[j][i] += u * v[i];
    }
    left += stride;
    right += stride;
  }
#pragma GCC unroll 8
  for (int j = 0; j < kTile; ++j) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) {
      add_wide(gram + j * gram_stride + i * lanes<T>, sums[j][i]);
    }
  }
}

// Tiles from row j on, as high as fit below `end`; then lower ones. An even number of rows.
template <typename T, int kTile>
inline void gram_tiles(const T* left, const T* right, int64_t stride, int64_t rows, int64_t j,
                       int64_t end, int64_t i, bool one, bool upper, double* gram,
                       int64_t gram_stride) {
  for (; j + kTile <= end; j += kTile) {
    double* to = gram + j * gram_stride;
    if (upper && j >= i + lanes<T>) {  // whatever lies left of the diagonal isn't wanted
      const int64_t k = i + lanes<T>;
      if (!one) gram_tile<T, kTile, 1>(left + j, right + k, stride, rows, to + k, gram_stride);
    } else if (one) {
      gram_tile<T, kTile, 1>(left + j, right + i, stride, rows, to + i, gram_stride);
    } else {
      gram_tile<T, kTile, 2>(left + j, right + i, stride, rows, to + i, gram_stride);
    }
  }
  if constexpr (kTile > 2) {
    gram_tiles<T, kTile - 2>(left, right, stride, rows, j, end, i, one, upper, gram, gram_stride);
  }
}

// All rows j of `left` against the columns i of `right`; from the diagonal on where `upper`.
template <typename T>
void gram_block(const T* left, int64_t left_count, const T* right, int64_t right_count,
                int64_t stride, int64_t rows, bool upper, double* gram) {
  constexpr int64_t kWide = 2 * lanes<T>;
  for (int64_t i = 0; i < right_count; i += kWide) {
    const int64_t end = upper && i + kWide < left_count ? i + kWide : left_count;
    gram_tiles<T, kGramTile>(left, right, stride, rows, 0, end, i, i + kWide > right_count, upper,
                             gram, right_count);
  }
}

// Rows [first, last) of a panel, columns: x, then y.
template <typename T>
void gram_panel(const T* panel, int64_t first, int64_t last, int64_t x, int64_t y, double* xx,
                double* yx) {
  const int64_t stride = x + y;
  for (int64_t r = first; r < last; r += kGramRows) {
    const int64_t rows = last - r < kGramRows ? last - r : kGramRows;
    const T* from = panel + r * stride;
    gram_block(from, x, from, x, stride, rows, true, xx);
    if (yx != nullptr) gram_block(from + x, y, from, x, stride, rows, false, yx);
  }
}

// Doubles of the panel that coupled rows are transposed into, by columns of images.
inline int64_t gram_doubles(int64_t columns) { return kGramRows * columns; }

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
