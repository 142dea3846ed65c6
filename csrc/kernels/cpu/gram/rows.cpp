#include "kernels/cpu/gram/rows.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/kernels.h"

namespace tegnas::cpu::gram {
namespace {

// A slice of the gradient over this many positions stays in the cache while every weight uses it.
constexpr int64_t kPositions = 256;

bool padded(const Layer& layer) { return layer.padding[0] > 0 || layer.padding[1] > 0; }

// Input channels that a piece reads.
int64_t first_channel(const Layer& layer, const Piece& piece) {
  return piece.weight_begin / layer.taps();
}

int64_t channel_count(const Layer& layer, const Piece& piece) {
  if (piece.weights() == 0) return 0;
  return (piece.weight_end - 1) / layer.taps() + 1 - first_channel(layer, piece);
}

void input_strides(const Layer& layer, const View& input, int64_t (&strides)[3]) {
  if (padded(layer)) {
    strides[2] = 1;
    strides[1] = input.size[1] + 2 * layer.padding[1];
    strides[0] = strides[1] * (input.size[0] + 2 * layer.padding[0]);
  } else {
    for (int d = 0; d < 3; ++d) strides[d] = input.strides[2 + d];
  }
}

template <typename T>
T* reserve(std::vector<char>& buffer, int64_t count) {
  const size_t bytes = static_cast<size_t>(count) * sizeof(T) + 64;
  if (buffer.size() < bytes) buffer.resize(bytes);
  const auto address = reinterpret_cast<uintptr_t>(buffer.data());
  return reinterpret_cast<T*>((address + 63) / 64 * 64);
}

template <typename T>
const T* pad_input(const Layer& layer, const View& input, const T* from, int64_t channels,
                   std::vector<char>& buffer) {
  int64_t strides[3];
  input_strides(layer, input, strides);
  T* to = reserve<T>(buffer, channels * strides[0]);
  std::fill_n(to, channels * strides[0], T(0));
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < input.size[0]; ++y) {
      const T* source = from + c * input.strides[2] + y * input.strides[3];
      T* target = to + c * strides[0] + (y + layer.padding[0]) * strides[1] + layer.padding[1];
      for (int64_t x = 0; x < input.size[1]; ++x) target[x] = source[x * input.strides[4]];
    }
  }
  return to;
}

template <typename T>
void transpose_gradient(const T* from, int64_t channel_stride, const int64_t* positions,
                        int64_t count, int64_t channels, int64_t row, T* to) {
  // By cache lines of the target: sixteen channels of one position at a time.
  int64_t o = 0;
  for (; o + kGradientPadding <= channels; o += kGradientPadding) {
    const T* source = from + o * channel_stride;
    for (int64_t t = 0; t < count; ++t) {
      const T* at = source + positions[t];
      T* line = to + t * row + o;
      for (int64_t i = 0; i < kGradientPadding; ++i) line[i] = at[i * channel_stride];
    }
  }
  for (; o < channels; ++o) {
    const T* source = from + o * channel_stride;
    for (int64_t t = 0; t < count; ++t) to[t * row + o] = source[positions[t]];
  }
}

void call(const WeightGradient<float>& gradient, double* out, bool add) {
  kernels().weight_gradient_f32(gradient, out, add);
}
void call(const WeightGradient<double>& gradient, double* out, bool add) {
  kernels().weight_gradient_f64(gradient, out, add);
}

template <typename T>
void fill_weights(const Layer& layer, const Operands& operands, const Piece& piece,
                  const PieceIndex& index, int64_t network, int64_t image, RowScratch& scratch,
                  double* row) {
  const int64_t first = piece.group * layer.in_channels + first_channel(layer, piece);
  const T* input = operands.input.at<T>(network, image, first);
  if (padded(layer)) {
    input = pad_input(layer, operands.input, input, channel_count(layer, piece), scratch.input);
  }
  const int64_t channels = piece.channels();
  const int64_t stride = (channels + kGradientPadding - 1) / kGradientPadding * kGradientPadding;
  const T* gradient =
      operands.gradient.at<T>(network, image, piece.group * layer.out_channels + piece.out_begin);
  T* slice = reserve<T>(scratch.gradient, kPositions * stride);
  std::fill_n(slice, kPositions * stride, T(0));
  const int64_t positions = static_cast<int64_t>(index.positions.size());
  if (positions == 0) std::fill_n(row, channels * piece.weights(), 0.0);
  for (int64_t t = 0; t < positions; t += kPositions) {
    const int64_t count = std::min(kPositions, positions - t);
    transpose_gradient(gradient, operands.gradient.strides[2], index.gradient_positions.data() + t,
                       count, channels, stride, slice);
    call({input, index.offsets.data(), piece.weights(), index.positions.data() + t, count, slice,
          stride, channels},
         row, t > 0);
  }
}

// Σ_t input·gradient of each channel, in float64.
template <typename T>
void fill_scale(const Operands& operands, const Piece& piece, int64_t network, int64_t image,
                double* row) {
  const View& x = operands.input;
  const View& g = operands.gradient;
  const T* input = x.at<T>(network, image, piece.out_begin);
  const T* gradient = g.at<T>(network, image, piece.out_begin);
  const int64_t channels = piece.channels();
  std::fill_n(row, channels, 0.0);
  const int64_t count = x.size[1];
  if (x.strides[2] == 1 && g.strides[2] == 1) {
    for (int64_t t = 0; t < count; ++t) {
      const T* xt = input + t * x.strides[4];
      const T* gt = gradient + t * g.strides[4];
      for (int64_t c = 0; c < channels; ++c) row[c] += static_cast<double>(xt[c]) * gt[c];
    }
    return;
  }
  for (int64_t c = 0; c < channels; ++c) {
    const T* xc = input + c * x.strides[2];
    const T* gc = gradient + c * g.strides[2];
    // Eight sums, so that the additions don't wait for each other.
    double sums[8] = {};
    for (int64_t t = 0; t < count; ++t) {
      sums[t % 8] += static_cast<double>(xc[t * x.strides[4]]) * gc[t * g.strides[4]];
    }
    for (double sum : sums) row[c] += sum;
  }
}

}  // namespace

PieceIndex index_piece(const Layer& layer, const Operands& operands, const Piece& piece) {
  PieceIndex index;
  if (layer.scale) return index;
  int64_t strides[3];
  input_strides(layer, operands.input, strides);
  const int64_t first = first_channel(layer, piece) * layer.taps();
  index.offsets.reserve(piece.weights());
  for (int64_t k = piece.weight_begin; k < piece.weight_end; ++k) {
    const int64_t local = k - first;
    const int64_t tap = local % layer.taps();
    index.offsets.push_back(local / layer.taps() * strides[0] +
                            tap / layer.kernel[1] * layer.dilation[0] * strides[1] +
                            tap % layer.kernel[1] * layer.dilation[1] * strides[2]);
  }
  const View& gradient = operands.gradient;
  index.positions.reserve(gradient.positions());
  index.gradient_positions.reserve(gradient.positions());
  for (int64_t y = 0; y < gradient.size[0]; ++y) {
    for (int64_t x = 0; x < gradient.size[1]; ++x) {
      index.positions.push_back(y * layer.stride[0] * strides[1] +
                                x * layer.stride[1] * strides[2]);
      index.gradient_positions.push_back(y * gradient.strides[3] + x * gradient.strides[4]);
    }
  }
  return index;
}

void fill_row(const Layer& layer, const Operands& operands, const Piece& piece,
              const PieceIndex& index, int64_t network, int64_t image, RowScratch& scratch,
              double* row) {
  if (layer.scale) {
    layer.float64 ? fill_scale<double>(operands, piece, network, image, row)
                  : fill_scale<float>(operands, piece, network, image, row);
  } else if (layer.float64) {
    fill_weights<double>(layer, operands, piece, index, network, image, scratch, row);
  } else {
    fill_weights<float>(layer, operands, piece, index, network, image, scratch, row);
  }
}

}  // namespace tegnas::cpu::gram
