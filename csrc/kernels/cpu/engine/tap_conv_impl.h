// Convolutions as sums over taps: the kernels of the forward convolutions and of the input
// gradients. Every tile of output channels x pixels is summed over all taps in registers. The
// source is an activation, or gradient rows that are brought, transformed and zero-padded, into
// a ring that stays in the L1 cache.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/norm_impl.h"
#include "kernels/cpu/engine/rows_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Registers that the sums of a tile may take.
constexpr int kTileRegisters = TEGNAS_VECTOR_BYTES == 64 ? 24 : 12;

// Pixels of a tile of `channels` output channels: as many sums as the registers hold.
template <int kChannels>
constexpr int tile_pixels() {
  constexpr int registers = kChannels == 1                          ? 8
                            : kChannels == 2 && kTileRegisters > 12 ? 8
                            : kTileRegisters / kChannels >= 8       ? 8
                            : kTileRegisters / kChannels >= 4       ? 4
                                                                    : 2;
  return registers > TEGNAS_REGISTERS ? registers / TEGNAS_REGISTERS : 1;
}

// Output channels of a tile, at most.
constexpr int kTileChannels = 6 * TEGNAS_REGISTERS <= kTileRegisters ? 6 : 3;

// How many of the remaining output channels the next tile takes.
inline int next_channels(int64_t remaining) {
  if constexpr (kTileChannels == 3) {
    return remaining == 4 ? 2 : remaining > 3 ? 3 : static_cast<int>(remaining);
  }
  if (remaining == 7 || remaining == 8) return 4;
  if (remaining == 5) return 3;
  return remaining > 6 ? 6 : static_cast<int>(remaining);
}

struct TapRow {
  const int32_t* offsets;  // of the taps, in pixels
  int64_t taps;
  int64_t columns;
  int64_t source_step, out_step;
  bool accumulate;
};

template <typename T, int kChannels, int kPixels, bool kUnit>
inline void tap_tile(const TapRow& row, const T* ring, const T* weights, const T* bias,
                     T* const* out, int64_t at) {
  constexpr int kParts = TEGNAS_REGISTERS, kSize = register_lanes<T>;
  constexpr int kAll = kPixels * kParts;  // registers of a tile of one channel
  Register<T> sums[kChannels][kAll];
#pragma GCC unroll 8
  for (int o = 0; o < kChannels; ++o) {
#pragma GCC unroll 8
    for (int p = 0; p < kAll; ++p) sums[o][p] = fill_register(bias[o]);
  }
  const int64_t step = (kUnit ? 1 : row.source_step) * lanes<T>;
  const T* source = ring + at * step;
  for (int64_t t = 0; t < row.taps; ++t) {
    const T* x = source + static_cast<int64_t>(row.offsets[t]) * lanes<T>;
    // The fewer of weights and pixels stay in registers beside the sums.
    if constexpr (kChannels < kAll) {
      Register<T> w[kChannels];
#pragma GCC unroll 8
      for (int o = 0; o < kChannels; ++o) w[o] = fill_register(weights[o]);
#pragma GCC unroll 8
      for (int p = 0; p < kAll; ++p) {
        Register<T> pixel = load_register(x + p / kParts * step + p % kParts * kSize);
        keep_in_register(pixel);
#pragma GCC unroll 8
        for (int o = 0; o < kChannels; ++o) sums[o][p] += w[o] * pixel;
      }
    } else {
      Register<T> pixels[kAll];
#pragma GCC unroll 8
      for (int p = 0; p < kAll; ++p) {
        pixels[p] = load_register(x + p / kParts * step + p % kParts * kSize);
      }
#pragma GCC unroll 8
      for (int o = 0; o < kChannels; ++o) {
        const Register<T> w = fill_register(weights[o]);
#pragma GCC unroll 8
        for (int p = 0; p < kAll; ++p) sums[o][p] += w * pixels[p];
      }
    }
    weights += kChannels;
  }
  // Copies, since the compiler must assume that the stores change what `row` holds.
  const int64_t out_step = row.out_step * lanes<T>;
  const bool accumulate = row.accumulate;
#pragma GCC unroll 8
  for (int o = 0; o < kChannels; ++o) {
    T* pixel = out[o] + at * out_step;
    if (accumulate) {
#pragma GCC unroll 8
      for (int p = 0; p < kAll; ++p) {
        sums[o][p] += load_register(pixel + p / kParts * out_step + p % kParts * kSize);
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < kAll; ++p) {
      store_register(pixel + p / kParts * out_step + p % kParts * kSize, sums[o][p]);
    }
  }
}

template <typename T, int kChannels, int kPixels, bool kUnit>
inline void tap_tiles(const TapRow& row, const T* ring, const T* weights, const T* bias,
                      T* const* out, int64_t at) {
  while (at + kPixels <= row.columns) {
    tap_tile<T, kChannels, kPixels, kUnit>(row, ring, weights, bias, out, at);
    at += kPixels;
  }
  if constexpr (kPixels > 1) {
    if (at < row.columns) {
      tap_tiles<T, kChannels, kPixels / 2, kUnit>(row, ring, weights, bias, out, at);
    }
  }
}

template <typename T, int kChannels>
__attribute__((noinline)) void tap_channels(const TapRow& row, const T* ring, const T* weights,
                                            const T* bias, T* const* out) {
  if (row.source_step == 1) {
    tap_tiles<T, kChannels, tile_pixels<kChannels>(), true>(row, ring, weights, bias, out, 0);
  } else {
    tap_tiles<T, kChannels, tile_pixels<kChannels>(), false>(row, ring, weights, bias, out, 0);
  }
}

template <typename T>
inline void tap_row(int channels, const TapRow& row, const T* ring, const T* weights, const T* bias,
                    T* const* out) {
  switch (channels) {
    case 1:
      return tap_channels<T, 1>(row, ring, weights, bias, out);
    case 2:
      return tap_channels<T, 2>(row, ring, weights, bias, out);
    case 3:
      return tap_channels<T, 3>(row, ring, weights, bias, out);
  }
  if constexpr (kTileChannels == 6) {
    if (channels == 4) return tap_channels<T, 4>(row, ring, weights, bias, out);
    tap_channels<T, 6>(row, ring, weights, bias, out);
  }
}

// Brings the weights into the order in which the tiles read them: class, group, tile of output
// channels, tap, channel; multiplied by the scales of the norms that the gradients pass through.
template <typename T>
void pack_taps(const Batch<T>& batch, const TapConv& conv, T* packed) {
  const int64_t group_outs = conv.outs.count / conv.groups;
  for (int64_t k = 0; k < conv.out_step_y * conv.out_step_x; ++k) {
    const TapClass& taps = conv.classes[k];
    for (int64_t g = 0; g < conv.groups; ++g) {
      for (int64_t first = 0; first < group_outs;) {
        const int channels = next_channels(group_outs - first);
        for (int64_t t = 0; t < taps.taps; ++t) {
          T scale = 1;
          if (taps.scale_norms[t] >= 0) {
            const Norm& norm = batch.plan->norms.data[taps.scale_norms[t]];
            scale = norm_scales(
                batch)[norm.coefficients + taps.scale_channels[t] + g * conv.group_scale];
          }
          const int64_t base = taps.weights[t] + g * conv.group_weights;
          for (int o = 0; o < channels; ++o) {
            *packed++ =
                scale *
                batch.params[base + conv.out_weights[first + o] + (first + o) * taps.strides[t]];
          }
        }
        first += channels;
      }
    }
  }
}

inline int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t r = a % b;
  return r < 0 ? r + b : r;
}

// Clears the columns of the rings beside their rows.
template <typename T>
void begin_taps(const TapConv& conv, T* ring) {
  ring += conv.ring_offset * lanes<T>;
  for (int64_t s = 0; s < conv.sources.count; ++s) {
    const TapSource& source = conv.sources.data[s];
    const int64_t right = source.left + source.width;
    T* row = ring + source.offset * lanes<T>;
    for (int64_t k = 0; k < source.channels * conv.ring; ++k) {
      zero_row(row, source.left);
      zero_row(row + right * lanes<T>, source.row_width - right);
      row += source.row_width * lanes<T>;
    }
  }
}

// Brings the source rows for step i into the ring; those up to step i - 1 are there already.
template <typename T>
void load_ring(const Batch<T>& batch, const TapConv& conv, int64_t block, int64_t i, T* ring) {
  for (int64_t s = 0; s < conv.sources.count; ++s) {
    const TapSource& source = conv.sources.data[s];
    const int64_t last = i + source.last_row;
    for (int64_t row = i > 0 ? last : i + source.first_row; row <= last; ++row) {
      const int64_t slot = floor_mod(row, conv.ring);
      T* to = ring + (source.offset + slot * source.row_width + source.left) * lanes<T>;
      for (int64_t c = 0; c < source.channels; ++c) {
        if (row < 0 || row >= source.height) {
          zero_row(to, source.width);
        } else {
          copy_unscaled_gradient_row(batch, source.gradient, block, c, row, to);
        }
        to += conv.ring * source.row_width * lanes<T>;
      }
    }
  }
}

// Row y of all outputs. With a ring, rows must come in order, begin_taps before the first.
template <typename T>
void taps_row(const Batch<T>& batch, const TapConv& conv, int64_t block, int64_t y, T* rings,
              const T* packed, bool accumulate) {
  const int64_t row_class = y % conv.out_step_y, i = y / conv.out_step_y;
  const T* source;
  if (conv.activation >= 0) {
    source = row_of(batch, conv.activation, block, 0, 0) +
             i * conv.source_step_y * conv.row_pixels * lanes<T>;
  } else {
    T* ring = rings + conv.ring_offset * lanes<T>;
    if (row_class == 0) load_ring(batch, conv, block, i, ring);
    source = ring;
  }
  const int64_t phase = i % conv.ring;
  const int64_t group_outs = conv.outs.count / conv.groups;
  const TapClass* taps = conv.classes;
  for (int64_t k = 0; k < row_class * conv.out_step_x; ++k, ++taps) {
    packed += conv.groups * taps->taps * group_outs;
  }
  for (int64_t b = 0; b < conv.out_step_x; ++b, ++taps) {
    if (b >= conv.out_w) break;
    const Range inside = taps->rows[i];
    const TapRow row{taps->offsets + phase * taps->taps + inside.begin,
                     inside.end - inside.begin,
                     (conv.out_w - b + conv.out_step_x - 1) / conv.out_step_x,
                     conv.source_step_x,
                     conv.out_step_x,
                     accumulate};
    for (int64_t g = 0; g < conv.groups; ++g) {
      for (int64_t first = 0; first < group_outs;) {
        const int channels = next_channels(group_outs - first);
        T* out[6];
        T bias[6];
        for (int o = 0; o < channels; ++o) {
          const OutChannel& to = conv.outs.data[g * group_outs + first + o];
          out[o] = row_of(batch, to.buffer, block, to.channel, y) + b * lanes<T>;
          bias[o] = to.bias < 0 ? 0 : batch.params[to.bias];
        }
        tap_row(channels, row, source + g * conv.group_pixels * lanes<T>,
                packed + inside.begin * channels, bias, out);
        packed += taps->taps * channels;
        first += channels;
      }
    }
  }
}

template <typename T>
void convolve_step(const Batch<T>& batch, const Scratch<T>& scratch, const TapConv& conv,
                   int64_t block) {
  for_strips(conv.out_h, conv.out_w, [&](int64_t y, int64_t rows) {
    for (int64_t r = y; r < y + rows; ++r) {
      taps_row<T>(batch, conv, block, r, nullptr, scratch.packed + conv.packed_offset, false);
    }
    for (int64_t o = 0; o < conv.outs.count; ++o) {
      const OutChannel& out = conv.outs.data[o];
      if (batch.plan->buffers.data[out.buffer].stats < 0) continue;
      add_statistics(batch, out.buffer, block, out.channel,
                     row_of(batch, out.buffer, block, out.channel, y), rows * conv.out_w);
    }
  });
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
