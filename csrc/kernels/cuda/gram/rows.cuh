// Rows of the Jacobian on the device: per-image gradients of some weights, as columns of a panel.
//
// A per-image weight gradient is a matrix product over output positions, (outputs × positions) by
// (positions × weights of an output), whose right side is gathered from the input as it is read
// (an implicit im2col). A block makes one tile of it for one image: kTile × kTile gradients, 4 × 4
// of them per thread in registers, over kDepth positions in shared memory at a time.
//
// Sizes. With kTile = 64: 256 threads, 8 reads of shared memory per 16 multiply-adds per thread,
// 8.3 KiB of float32: registers (about 90) bind, 2 blocks per SM. Layers with few channels take
// kTile = 32, 64 threads and 4.2 KiB. Each thread loads the same rows of every slice, so that the
// divisions which turn a weight into (channel, y, x) are done once, and one division per slice
// finds the position.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/block.cuh"

namespace tegnas::cuda::gram {

constexpr int kDepth = 16;        // positions in shared memory
constexpr int kPerThread = 4;     // in both directions
constexpr int kExactSlices = 16;  // after which float32 sums go into float64

// A tensor (network, image, channel, y, x).
struct Tensor {
  const void* data;
  int64_t strides[5];

  template <typename T>
  __device__ const T* at(int64_t network, int64_t image, int64_t channel) const {
    return static_cast<const T*>(data) + network * strides[0] + image * strides[1] +
           channel * strides[2];
  }
};

// Columns [column, ...) of the panel: the weights of output channels [out_begin, out_begin + outs)
// in each of `groups` groups.
struct Piece {
  Tensor input, gradient;
  int in_h, in_w, out_h, out_w;
  int kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
  int first_group, groups, group_in, group_out, out_begin, outs;
  int64_t column;

  __host__ __device__ int taps() const { return kernel_h * kernel_w; }
  __host__ __device__ int weights() const { return group_in * taps(); }
};

// Where rows go: row (network, image) of the panel begins at this multiple of `width`.
struct Rows {
  void* panel;
  int64_t width;
  int first_network, networks, images;
};

template <typename T, int kTile>
struct Slices {
  static constexpr int kThreads = kTile / kPerThread * (kTile / kPerThread);
  static constexpr int kRowsAtOnce = kThreads / kDepth;
  static constexpr int kLoads = kTile / kRowsAtOnce;  // rows that one thread loads
  static constexpr int kStride = kTile + 1;           // so that a column lies in all banks
};

// The patch of one weight: where its input lies for output position (0, 0).
struct Tap {
  int64_t channel;  // offset
  int y, x;
};

__device__ __forceinline__ Tap tap_of(const Piece& piece, int weight) {
  const int channel = weight / piece.taps(), tap = weight % piece.taps();
  return {channel * piece.input.strides[2],
          tap / piece.kernel_w * piece.dilation_h - piece.padding_h,
          tap % piece.kernel_w * piece.dilation_w - piece.padding_w};
}

template <typename T, int kTile>
__global__ void __launch_bounds__(Slices<T, kTile>::kThreads)
    rows_kernel(Piece piece, Rows rows, int out_tiles, int weight_tiles) {
  using S = Slices<T, kTile>;
  TEGNAS_SHARED(T, left, kDepth * S::kStride);
  TEGNAS_SHARED(T, right, kDepth * S::kStride);
  int64_t at = blockIdx.x;
  const int first_weight = static_cast<int>(at % weight_tiles) * kTile;
  at /= weight_tiles;
  const int first_out = static_cast<int>(at % out_tiles) * kTile;
  at /= out_tiles;
  const int group = static_cast<int>(at % piece.groups);
  at /= piece.groups;
  const int image = static_cast<int>(at % rows.images);
  const int network = static_cast<int>(at / rows.images);
  const int weights = piece.weights(), positions = piece.out_h * piece.out_w;

  const T* input = piece.input.at<T>(rows.first_network + network, image,
                                     (piece.first_group + group) * piece.group_in);
  const T* gradient = piece.gradient.at<T>(
      rows.first_network + network, image,
      (piece.first_group + group) * piece.group_out + piece.out_begin + first_out);
  const int slot = threadIdx.x % kDepth, first_row = threadIdx.x / kDepth;
  Tap taps[S::kLoads];
  for (int l = 0; l < S::kLoads; ++l) {
    const int weight = first_weight + first_row + l * S::kRowsAtOnce;
    taps[l] = tap_of(piece, weight < weights ? weight : 0);
  }

  constexpr int kSide = kTile / kPerThread;
  const int column = threadIdx.x % kSide, row = threadIdx.x / kSide;
  T sums[kPerThread][kPerThread] = {};
  double totals[kPerThread][kPerThread] = {};
  int slices = 0;
  for (int begin = 0; begin < positions; begin += kDepth) {
    const int position = begin + slot;
    const int out_y = position / piece.out_w, out_x = position % piece.out_w;
    const int in_y = out_y * piece.stride_h, in_x = out_x * piece.stride_w;
    const int64_t gradient_at =
        out_y * piece.gradient.strides[3] + out_x * piece.gradient.strides[4];
    for (int l = 0; l < S::kLoads; ++l) {
      const int r = first_row + l * S::kRowsAtOnce;
      const int y = in_y + taps[l].y, x = in_x + taps[l].x;
      const bool has_out = position < positions && first_out + r < piece.outs;
      const bool inside = position < positions && first_weight + r < weights && y >= 0 &&
                          y < piece.in_h && x >= 0 && x < piece.in_w;
      left[slot * S::kStride + r] =
          has_out ? gradient[r * piece.gradient.strides[2] + gradient_at] : T(0);
      right[slot * S::kStride + r] =
          inside ? input[taps[l].channel + y * piece.input.strides[3] + x * piece.input.strides[4]]
                 : T(0);
    }
    __syncthreads();
    for (int d = 0; d < kDepth; ++d) {
      T out[kPerThread], weight[kPerThread];
      for (int i = 0; i < kPerThread; ++i) {
        out[i] = left[d * S::kStride + row + i * kSide];
        weight[i] = right[d * S::kStride + column + i * kSide];
      }
      for (int i = 0; i < kPerThread; ++i) {
        for (int j = 0; j < kPerThread; ++j) sums[i][j] += out[i] * weight[j];
      }
    }
    __syncthreads();
    if (std::is_same_v<T, float> && ++slices % kExactSlices == 0) {
      for (int i = 0; i < kPerThread; ++i) {
        for (int j = 0; j < kPerThread; ++j) {
          totals[i][j] += sums[i][j];
          sums[i][j] = 0;
        }
      }
    }
  }
  T* to = static_cast<T*>(rows.panel) +
          (static_cast<int64_t>(network) * rows.images + image) * rows.width + piece.column +
          static_cast<int64_t>(group) * piece.outs * weights;
  for (int i = 0; i < kPerThread; ++i) {
    const int out = first_out + row + i * kSide;
    for (int j = 0; j < kPerThread; ++j) {
      const int weight = first_weight + column + j * kSide;
      if (out < piece.outs && weight < weights) {
        to[static_cast<int64_t>(out) * weights + weight] =
            static_cast<T>(totals[i][j] + sums[i][j]);
      }
    }
  }
}

// The scale of a norm layer: Σ_t input · gradient of each channel, one warp per channel.
constexpr int kScaleThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kScaleThreads) scale_rows_kernel(Piece piece, Rows rows) {
  const int lane = threadIdx.x % kWarpSize;
  const int64_t warp = (int64_t{blockIdx.x} * kScaleThreads + threadIdx.x) / kWarpSize;
  const int channel = static_cast<int>(warp % piece.outs);
  const int64_t row = warp / piece.outs;
  if (row >= static_cast<int64_t>(rows.networks) * rows.images) return;
  const int64_t network = rows.first_network + row / rows.images, image = row % rows.images;
  const T* input = piece.input.at<T>(network, image, piece.out_begin + channel);
  const T* gradient = piece.gradient.at<T>(network, image, piece.out_begin + channel);
  double sum = 0;
  for (int t = lane; t < piece.out_w; t += kWarpSize) {
    sum += static_cast<double>(input[t * piece.input.strides[4]]) *
           gradient[t * piece.gradient.strides[4]];
  }
  sum = warp_sum(sum);
  if (lane == 0) {
    static_cast<T*>(rows.panel)[row * rows.width + piece.column + channel] = static_cast<T>(sum);
  }
}

template <typename T, int kTile>
void launch_rows(const Stream& stream, const Piece& piece, const Rows& rows) {
  const int out_tiles = static_cast<int>(ceil_div(piece.outs, kTile));
  const int weight_tiles = static_cast<int>(ceil_div(piece.weights(), kTile));
  const int64_t blocks =
      int64_t{rows.networks} * rows.images * piece.groups * out_tiles * weight_tiles;
  stream.launch("ntk_gram rows", dim3(static_cast<unsigned>(blocks)),
                dim3(Slices<T, kTile>::kThreads), 0, rows_kernel<T, kTile>, piece, rows, out_tiles,
                weight_tiles);
}

template <typename T>
void fill_rows(const Stream& stream, const Piece& piece, bool scale, const Rows& rows) {
  if (scale) {
    const int64_t warps = int64_t{rows.networks} * rows.images * piece.outs;
    const int64_t blocks = ceil_div(warps, kScaleThreads / kWarpSize);
    stream.launch("ntk_gram scale rows", dim3(static_cast<unsigned>(blocks)), dim3(kScaleThreads),
                  0, scale_rows_kernel<T>, piece, rows);
  } else if (piece.outs > 32 && piece.weights() > 32) {
    launch_rows<T, 64>(stream, piece, rows);
  } else {
    launch_rows<T, 32>(stream, piece, rows);
  }
}

}  // namespace tegnas::cuda::gram
