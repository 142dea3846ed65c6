// Products of rows with rows, A Bᵀ, in float64: what every Gram matrix here is made of.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {
namespace row_products {

using V = Vec<double>;
constexpr int kLanes = lanes<double>;
// Accumulators of one block stay in registers: 32 of them with AVX-512, 16 elsewhere.
constexpr int kRows = 4;
constexpr int kColumns = TEGNAS_VECTOR_BYTES == 64 ? 4 : 2;
// A block's rows over this many columns fit the first-level cache.
constexpr int64_t kChunk = 512;

inline double sum(V value) {
  double lane[kLanes];
  store<double>(lane, value);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

inline V load_first(const double* from, int64_t count) {
  double lane[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) lane[i] = from[i];
  return load<double>(lane);
}

inline void block(const double* const (&a)[kRows], const double* const (&b)[kColumns],
                  int64_t width, double (&products)[kRows][kColumns]) {
  V total[kRows][kColumns] = {};
  int64_t w = 0;
  for (; w + kLanes <= width; w += kLanes) {
    V right[kColumns];
    for (int c = 0; c < kColumns; ++c) right[c] = load<double>(b[c] + w);
    for (int r = 0; r < kRows; ++r) {
      const V left = load<double>(a[r] + w);
      for (int c = 0; c < kColumns; ++c) total[r][c] += left * right[c];
    }
  }
  if (w < width) {
    for (int r = 0; r < kRows; ++r) {
      const V left = load_first(a[r] + w, width - w);
      for (int c = 0; c < kColumns; ++c) total[r][c] += left * load_first(b[c] + w, width - w);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) products[r][c] = sum(total[r][c]);
  }
}

}  // namespace row_products

// out[i][j] += Σ_w a[i][w] b[j][w] for i in [0, rows), j in [0, columns), w in [0, width).
void add_row_products(const double* a, int64_t a_stride, int64_t rows, const double* b,
                      int64_t b_stride, int64_t columns, int64_t width, double* out,
                      int64_t out_stride) {
  using namespace row_products;
  for (int64_t w = 0; w < width; w += kChunk) {
    const int64_t chunk = width - w < kChunk ? width - w : kChunk;
    for (int64_t i = 0; i < rows; i += kRows) {
      const int64_t block_rows = rows - i < kRows ? rows - i : kRows;
      const double* left[kRows];
      for (int r = 0; r < kRows; ++r) {
        left[r] = a + (i + (r < block_rows ? r : block_rows - 1)) * a_stride + w;
      }
      for (int64_t j = 0; j < columns; j += kColumns) {
        const int64_t block_columns = columns - j < kColumns ? columns - j : kColumns;
        const double* right[kColumns];
        for (int c = 0; c < kColumns; ++c) {
          right[c] = b + (j + (c < block_columns ? c : block_columns - 1)) * b_stride + w;
        }
        double products[kRows][kColumns];
        block(left, right, chunk, products);
        for (int64_t r = 0; r < block_rows; ++r) {
          for (int64_t c = 0; c < block_columns; ++c) {
            out[(i + r) * out_stride + j + c] += products[r][c];
          }
        }
      }
    }
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
