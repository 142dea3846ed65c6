// Gram matrices in float64 from panels of Jacobian rows (one row per weight, images contiguous).

namespace tegnas::cpu::TEGNAS_ISA::sweep {

constexpr int kGramRows = 64;  // weights that are widened to float64 at once
// Rows of a tile; its columns are two vectors. As many sums as the registers hold.
constexpr int kGramTile = TEGNAS_VECTOR_BYTES == 64 ? 8 : 6;

// gram[j][i] += sum over rows of left[j] * right[i], for kTile values j and kVectors vectors i.
template <int kTile, int kVectors>
inline void gram_tile(const double* left, const double* right, int64_t stride, int64_t rows,
                      double* gram, int64_t gram_stride) {
  Vec<double> sums[kTile][kVectors];
#pragma GCC unroll 8
  for (int j = 0; j < kTile; ++j) {
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) {
      sums[j][i] = load(gram + j * gram_stride + i * lanes<double>);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    Vec<double> v[kVectors];
#pragma GCC unroll 2
    for (int i = 0; i < kVectors; ++i) v[i] = load(right + i * lanes<double>);
#pragma GCC unroll 8
    for (int j = 0; j < kTile; ++j) {
      const Vec<double> u = broadcast(left[j]);
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
      store(gram + j * gram_stride + i * lanes<double>, sums[j][i]);
    }
  }
}

// Tiles from row j on, as high as fit below `end`; then lower ones. An even number of rows.
template <int kTile>
inline void gram_tiles(const double* left, const double* right, int64_t stride, int64_t rows,
                       int64_t j, int64_t end, int64_t i, bool one, bool upper, double* gram,
                       int64_t gram_stride) {
  for (; j + kTile <= end; j += kTile) {
    double* to = gram + j * gram_stride;
    if (upper && j >= i + lanes<double>) {  // whatever lies left of the diagonal isn't wanted
      const int64_t k = i + lanes<double>;
      if (!one) gram_tile<kTile, 1>(left + j, right + k, stride, rows, to + k, gram_stride);
    } else if (one) {
      gram_tile<kTile, 1>(left + j, right + i, stride, rows, to + i, gram_stride);
    } else {
      gram_tile<kTile, 2>(left + j, right + i, stride, rows, to + i, gram_stride);
    }
  }
  if constexpr (kTile > 2) {
    gram_tiles<kTile - 2>(left, right, stride, rows, j, end, i, one, upper, gram, gram_stride);
  }
}

// All rows j of `left` against the columns i of `right`; from the diagonal on where `upper`.
inline void gram_block(const double* left, int64_t left_count, const double* right,
                       int64_t right_count, int64_t stride, int64_t rows, bool upper,
                       double* gram) {
  constexpr int64_t kWide = 2 * lanes<double>;
  for (int64_t i = 0; i < right_count; i += kWide) {
    const int64_t end = upper && i + kWide < left_count ? i + kWide : left_count;
    gram_tiles<kGramTile>(left, right, stride, rows, 0, end, i, i + kWide > right_count, upper,
                          gram, right_count);
  }
}

// Doubles from one row of a widened panel to the next: an odd number of cache lines, so that the
// rows of a column spread over all sets of the L1 cache.
inline int64_t gram_stride(int64_t columns) {
  const int64_t lines = (columns + 7) / 8;
  return (lines + (lines % 2 == 0 ? 1 : 0)) * 8;
}

inline int64_t gram_doubles(int64_t columns) { return kGramRows * gram_stride(columns); }

// Adds the rows [0, rows) of a widened panel, columns: x, then y.
inline void gram_rows(const double* panel, int64_t rows, int64_t x, int64_t y, double* xx,
                      double* yx) {
  const int64_t stride = gram_stride(x + y);
  gram_block(panel, x, panel, x, stride, rows, true, xx);
  if (yx != nullptr) gram_block(panel + x, y, panel, x, stride, rows, false, yx);
}

// Rows [first, last) of a panel of T.
template <typename T>
void gram_panel(const T* panel, int64_t first, int64_t last, int64_t x, int64_t y, double* xx,
                double* yx, double* scratch) {
  for (int64_t r = first; r < last; r += kGramRows) {
    const int64_t rows = last - r < kGramRows ? last - r : kGramRows;
    const int64_t stride = gram_stride(x + y);
    for (int64_t k = 0; k < rows; ++k) {
      const T* from = panel + (r + k) * (x + y);
      double* to = scratch + k * stride;
      for (int64_t i = 0; i < x + y; ++i) to[i] = from[i];
    }
    gram_rows(scratch, rows, x, y, xx, yx);
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
