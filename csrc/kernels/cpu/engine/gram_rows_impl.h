// Gram matrices in float64 from panels of Jacobian rows (one row per weight, images contiguous).
//
// Products of a few rows are added up in the panel's own type, and these sums in float64. In
// float32 that errs by less than the entries do, whose own errors go through convolutions: a sum of
// n products of size p errs by about 6e-8 n p / 4, so a diagonal entry over P weights by n / 4 ·
// 6e-8 / sqrt(P) of itself, the errors of its rounded entries by some ulps / sqrt(P).
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cpu/engine/gram_rows.h"
#include "kernels/cpu/plan/plan.h"
#include "kernels/cpu/registers.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Columns up to which twice as many products are added up before float64.
constexpr int64_t kNarrowPanel = 64;
// Rows of a tile; its columns are two vectors. As many sums as the registers hold.
constexpr int kGramTile = TEGNAS_VECTOR_BYTES == 64 ? 8 : 6;

// to[0, lanes of T) += sums, in float64.
inline void add_wide(double* to, Register<double> sums) {
  store_register(to, load_register(to) + sums);
}
inline void add_wide(double* to, Register<float> sums) {
  typedef float Half __attribute__((vector_size(TEGNAS_VECTOR_BYTES / 2)));
  for (int side = 0; side < 2; ++side, to += register_lanes<double>) {
    Half half;
    std::memcpy(&half, reinterpret_cast<const char*>(&sums) + side * sizeof(half), sizeof(half));
    store_register(to, load_register(to) + __builtin_convertvector(half, Register<double>));
  }
}

// gram[j][i] += sum over rows of left[j] * right[i], for kTile values j and kVectors vectors i.
template <typename T, int kTile, int kVectors>
inline void gram_tile(const T* left, const T* right, int64_t stride, int64_t rows, double* gram,
                      int64_t gram_stride) {
  Register<T> sums[kTile][kVectors] = {};
  for (int64_t r = 0; r < rows; ++r) {
    Register<T> v[kVectors];
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) v[i] = load_register(right + i * register_lanes<T>);
#pragma GCC unroll 8
    for (int j = 0; j < kTile; ++j) {
      const Register<T> u = fill_register(left[j]);
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
      add_wide(gram + j * gram_stride + i * register_lanes<T>, sums[j][i]);
    }
  }
}

// What a tile of a Gram matrix is the sum of: rows of a panel.
template <typename T>
struct RowProducts {
  const T *left, *right;
  int64_t stride, rows;

  template <int kTile, int kVectors>
  void add(int64_t j, int64_t i, double* gram, int64_t gram_stride) const {
    gram_tile<T, kTile, kVectors>(left + j, right + i, stride, rows, gram, gram_stride);
  }
};

// Or pairs of pixels, see engine::PairGrad. Panel rows from `left` and `right` on.
template <typename T>
struct PairProducts {
  const T *left, *right;
  int64_t stride, height, width, channels, outs;

  // Products of pixels that lie (dy, dx) apart, over the channels whose rows begin at `first`.
  template <int kTile, int kVectors>
  void sum(int64_t first, int64_t count, int64_t dy, int64_t dx, const T* a, const T* b,
           double* sums) const {
    const int64_t pixels = height * width;
    constexpr int64_t kWidth = kVectors * register_lanes<T>;
    for (int64_t y = dy < 0 ? -dy : 0; y < height && y + dy < height; ++y) {
      for (int64_t x = dx < 0 ? -dx : 0; x < width && x + dx < width; ++x) {
        const int64_t from = first + y * width + x, to = from + dy * width + dx;
        for (int64_t c = 0; c < count; c += kGramRows) {
          const int64_t now = count - c < kGramRows ? count - c : kGramRows;
          gram_tile<T, kTile, kVectors>(a + (from + c * pixels) * stride,
                                        b + (to + c * pixels) * stride, pixels * stride, now, sums,
                                        kWidth);
        }
      }
    }
  }

  template <int kTile, int kVectors>
  void add(int64_t j, int64_t i, double* gram, int64_t gram_stride) const {
    constexpr int64_t kWidth = kVectors * register_lanes<T>;
    for (int64_t dy = 1 - height; dy < height; ++dy) {
      for (int64_t dx = 1 - width; dx < width; ++dx) {
        double inputs[kTile * kWidth] = {}, gradients[kTile * kWidth] = {};
        sum<kTile, kVectors>(0, channels, dy, dx, left + j, right + i, inputs);
        sum<kTile, kVectors>(channels * height * width, outs, dy, dx, left + j, right + i,
                             gradients);
        for (int64_t row = 0; row < kTile; ++row) {
          double* to = gram + row * gram_stride;
          for (int64_t k = 0; k < kWidth; ++k) {
            to[k] += inputs[row * kWidth + k] * gradients[row * kWidth + k];
          }
        }
      }
    }
  }
};

// Tiles from row j on, as high as fit below `end`; then lower ones. An even number of rows.
template <typename T, int kTile, typename Products>
inline void gram_tiles(const Products& products, int64_t j, int64_t end, int64_t i, bool one,
                       bool upper, double* gram, int64_t gram_stride) {
  for (; j + kTile <= end; j += kTile) {
    double* to = gram + j * gram_stride;
    const int64_t next = i + register_lanes<T>;
    if (upper && j >= next) {  // whatever lies left of the diagonal isn't wanted
      if (!one) products.template add<kTile, 1>(j, next, to + next, gram_stride);
    } else if (one) {
      products.template add<kTile, 1>(j, i, to + i, gram_stride);
    } else {
      products.template add<kTile, 2>(j, i, to + i, gram_stride);
    }
  }
  if constexpr (kTile > 2) {
    gram_tiles<T, kTile - 2>(products, j, end, i, one, upper, gram, gram_stride);
  }
}

// All rows j of the left against the columns i of the right; from the diagonal on where `upper`.
template <typename T, typename Products>
void gram_block(const Products& products, int64_t left_count, int64_t right_count, bool upper,
                double* gram) {
  constexpr int64_t kWide = 2 * register_lanes<T>;
  for (int64_t i = 0; i < right_count; i += kWide) {
    const int64_t end = upper && i + kWide < left_count ? i + kWide : left_count;
    gram_tiles<T, kGramTile>(products, 0, end, i, i + kWide > right_count, upper, gram,
                             right_count);
  }
}

template <typename T>
void gram_panel(const T* panel, int64_t first, int64_t last, int64_t x, int64_t y, double* xx,
                double* yx) {
  const int64_t stride = x + y;
  // Narrow panels have more rows in the L1 cache.
  const int64_t most = stride <= kNarrowPanel ? 2 * kGramRows : kGramRows;
  for (int64_t r = first; r < last; r += most) {
    const int64_t rows = last - r < most ? last - r : most;
    const T* from = panel + r * stride;
    gram_block<T>(RowProducts<T>{from, from, stride, rows}, x, x, true, xx);
    if (yx != nullptr) {
      gram_block<T>(RowProducts<T>{from + x, from, stride, rows}, y, x, false, yx);
    }
  }
}

template <typename T>
void gram_pairs(const T* panel, const engine::PairGrad& grad, int64_t x, int64_t y, double* xx,
                double* yx) {
  const int64_t stride = x + y;
  const T* from = panel + grad.row * stride;
  PairProducts<T> products{from,       from,          stride,       grad.height,
                           grad.width, grad.channels, grad.all_outs};
  gram_block<T>(products, x, x, true, xx);
  if (yx == nullptr) return;
  products.left = from + x;
  gram_block<T>(products, y, x, false, yx);
}

template void gram_panel(const float*, int64_t, int64_t, int64_t, int64_t, double*, double*);
template void gram_panel(const double*, int64_t, int64_t, int64_t, int64_t, double*, double*);
template void gram_pairs(const float*, const engine::PairGrad&, int64_t, int64_t, double*, double*);
template void gram_pairs(const double*, const engine::PairGrad&, int64_t, int64_t, double*,
                         double*);

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
