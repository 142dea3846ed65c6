// Weight gradients of convolutions, one per image: every vector is a set of images, every
// accumulator one weight, summed over the pixels of a plane in registers.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/rows_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Output channels of a tile, at most. A run is kWide neighbouring taps of one kernel row.
template <int kWide>
constexpr int tile_outs() {
  return TEGNAS_VECTOR_BYTES == 64 && kWide == 1 ? 6 : 3;
}
// Runs of a tile: as many sums as the registers hold beside the gradients, and enough of them that
// no addition waits for the one before it.
template <int kOuts, int kWide>
constexpr int tile_runs() {
  constexpr int most = kWide == 3 ? 3 : 4;
  constexpr int fit = (TEGNAS_VECTOR_BYTES == 64 ? 27 : 12) / (kOuts * kWide);
  return fit < most ? fit : most;
}

// Pixels by which the gradients and inputs of a tile are fetched ahead of their use.
constexpr int kAhead = 64;

struct GradGeometry {
  int64_t out_h, out_w;
  int64_t gradient_plane;  // pixels from one output channel to the next
  int64_t x_row, x_step;   // pixels of the planes from one output row, column to the next
  int64_t fan;             // tile rows from one output channel to the next
  bool accumulate;
};

// One register of the images of a block.
template <typename T, int kOuts, int kRuns, int kWide>
inline void grad_register(const GradGeometry& geometry, const T* planes, const int64_t* runs,
                          const int64_t* taps, const T* gradient, T* tile) {
  Register<T> sums[kOuts][kRuns * kWide] = {};
  const int64_t next = geometry.gradient_plane * lanes<T>;
  const int64_t step = geometry.x_step * lanes<T>;
  for (int64_t y = 0; y < geometry.out_h; ++y) {
    const T* g = gradient + y * geometry.out_w * lanes<T>;
    const T* x[kRuns];
#pragma GCC unroll 4
    for (int r = 0; r < kRuns; ++r) x[r] = planes + (runs[r] + y * geometry.x_row) * lanes<T>;
    int64_t at = 0;
    for (int64_t column = 0; column < geometry.out_w; ++column) {
      Register<T> gs[kOuts];
#pragma GCC unroll 6
      for (int o = 0; o < kOuts; ++o) {
        gs[o] = load_register(g + o * next);
        __builtin_prefetch(g + o * next + kAhead * register_lanes<T>);
      }
      __builtin_prefetch(x[kRuns - 1] + at + kAhead * register_lanes<T>);
#pragma GCC unroll 4
      for (int r = 0; r < kRuns; ++r) {
#pragma GCC unroll 4
        for (int k = 0; k < kWide; ++k) {
          Register<T> v = load_register(x[r] + at + k * lanes<T>);
          keep_in_register(v);
#pragma GCC unroll 6
          for (int o = 0; o < kOuts; ++o) sums[o][r * kWide + k] += gs[o] * v;
        }
      }
      g += lanes<T>;
      at += step;
    }
  }
  // Copies, since the compiler must assume that the stores change what these hold.
  const int64_t fan = geometry.fan * lanes<T>;
  const bool accumulate = geometry.accumulate;
  T* to[kRuns];
#pragma GCC unroll 4
  for (int r = 0; r < kRuns; ++r) to[r] = tile + taps[r] * lanes<T>;
#pragma GCC unroll 6
  for (int o = 0; o < kOuts; ++o) {
#pragma GCC unroll 4
    for (int r = 0; r < kRuns; ++r) {
#pragma GCC unroll 4
      for (int k = 0; k < kWide; ++k) {
        Register<T>& sum = sums[o][r * kWide + k];
        if (accumulate) sum += load_register(to[r] + o * fan + k * lanes<T>);
        store_register(to[r] + o * fan + k * lanes<T>, sum);
      }
    }
  }
}

template <typename T, int kOuts, int kRuns, int kWide>
__attribute__((noinline)) void grad_tile(const GradGeometry& geometry, const T* planes,
                                         const int64_t* runs, const int64_t* taps,
                                         const T* gradient, T* tile) {
  for (int64_t k = 0; k < lanes<T>; k += register_lanes<T>) {
    grad_register<T, kOuts, kRuns, kWide>(geometry, planes + k, runs, taps, gradient + k, tile + k);
  }
}

// Where the runs of one group start: run i is row i % kh (and column, for single taps) of the
// kernel on input channel i / kh.
struct GradRuns {
  int64_t channel;            // first input channel of the group
  int64_t kh, columns, wide;  // columns: runs of one kernel row
  int64_t dh, dw, kw;
  int64_t origin, plane, plane_w;
};

inline void locate(const GradRuns& runs, int64_t i, int64_t* offset, int64_t* tap) {
  const int64_t column = i % runs.columns, row = i / runs.columns % runs.kh;
  const int64_t channel = i / runs.columns / runs.kh;
  *offset = runs.origin + (runs.channel + channel) * runs.plane + row * runs.dh * runs.plane_w +
            column * runs.dw;
  *tap = (channel * runs.kh + row) * runs.kw + column;
}

// A tile of `runs` runs, kMost at most.
template <typename T, int kOuts, int kMost, int kWide>
inline void grad_some(int64_t runs, const GradGeometry& geometry, const T* planes,
                      const int64_t* offsets, const int64_t* taps, const T* gradient, T* tile) {
  if constexpr (kMost > 1) {
    if (runs < kMost) {
      return grad_some<T, kOuts, kMost - 1, kWide>(runs, geometry, planes, offsets, taps, gradient,
                                                   tile);
    }
  }
  grad_tile<T, kOuts, kMost, kWide>(geometry, planes, offsets, taps, gradient, tile);
}

template <typename T, int kOuts, int kWide>
void grad_runs(const GradGeometry& geometry, const GradRuns& runs, int64_t count, const T* planes,
               const T* gradient, T* tile) {
  constexpr int most = tile_runs<kOuts, kWide>();
  for (int64_t first = 0; first < count;) {
    const int64_t now = count - first < most ? count - first : most;
    int64_t offsets[4], taps[4];
    for (int64_t r = 0; r < now; ++r) locate(runs, first + r, &offsets[r], &taps[r]);
    grad_some<T, kOuts, most, kWide>(now, geometry, planes, offsets, taps, gradient, tile);
    first += now;
  }
}

template <typename T, int kWide>
int64_t grad_outs(int64_t outs, const GradGeometry& geometry, const GradRuns& runs, int64_t count,
                  const T* planes, const T* gradient, T* tile) {
  if constexpr (tile_outs<kWide>() == 6) {
    if (outs >= 6) return grad_runs<T, 6, kWide>(geometry, runs, count, planes, gradient, tile), 6;
  }
  if constexpr (tile_outs<kWide>() >= 3) {
    if (outs >= 3) return grad_runs<T, 3, kWide>(geometry, runs, count, planes, gradient, tile), 3;
  }
  if constexpr (tile_outs<kWide>() >= 2) {
    if (outs >= 2) return grad_runs<T, 2, kWide>(geometry, runs, count, planes, gradient, tile), 2;
  }
  grad_runs<T, 1, kWide>(geometry, runs, count, planes, gradient, tile);
  return 1;
}

// The tile rows (output channel, input channel, tap) of a piece for one block.
template <typename T>
void piece_tiles(const Batch<T>& batch, const WeightGrad& grad, const GradPiece& piece,
                 int64_t block, const GradRef& gradient, T* tile, bool accumulate) {
  if (piece.group_in == 0) return;
  const Window& w = piece.window;
  const bool rows_of_three = w.kw == 3 && w.dw == 1;
  const GradGeometry geometry{piece.out_h,         piece.out_w, piece.out_h * piece.out_w,
                              w.sh * grad.plane_w, w.sw,        piece.group_in * w.kh * w.kw,
                              accumulate};
  const T* planes = row_of(batch, grad.activation.buffer, block, 0, 0);
  GradRuns runs;
  runs.kh = w.kh;
  runs.columns = rows_of_three ? 1 : w.kw;
  runs.dh = w.dh;
  runs.dw = w.dw;
  runs.kw = w.kw;
  runs.plane = grad.plane_h * grad.plane_w;
  runs.plane_w = grad.plane_w;
  runs.origin = (grad.activation.top - w.ph) * grad.plane_w + grad.activation.left - w.pw;
  const int64_t count = piece.group_in * w.kh * runs.columns;
  for (int64_t o = piece.first; o < piece.last;) {
    const int64_t group = o / piece.group_out, group_end = (group + 1) * piece.group_out;
    const int64_t last = group_end < piece.last ? group_end : piece.last;
    runs.channel = group * piece.group_in;
    while (o < last) {
      const T* g = row_of(batch, gradient.buffer, block, gradient.channel + o, 0);
      T* rows = tile + (o - piece.first) * geometry.fan * lanes<T>;
      o += rows_of_three ? grad_outs<T, 3>(last - o, geometry, runs, count, planes, g, rows)
                         : grad_outs<T, 1>(last - o, geometry, runs, count, planes, g, rows);
    }
  }
}

inline int64_t tile_rows(const GradPiece& piece) {
  return (piece.last - piece.first) * piece.group_in * piece.window.kh * piece.window.kw;
}

// The tiles of all pieces, one after the other, for one block.
template <typename T>
void weight_tiles(const Batch<T>& batch, const Scratch<T>& scratch, const WeightGrad& grad,
                  int64_t block, bool accumulate) {
  T* tile = scratch.tile;
  for (int64_t p = 0; p < grad.pieces.count; ++p) {
    const GradPiece& piece = grad.pieces.data[p];
    piece_tiles(batch, grad, piece, block, piece.gradient, tile, accumulate);
    tile += tile_rows(piece) * lanes<T>;
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
