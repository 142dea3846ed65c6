// A layer as the Gram kernel sees it: shapes, and where its input and output gradient lie.
#pragma once

#include <cstdint>

namespace tegnas::cpu::gram {

// A convolution, with a linear layer as a 1×1 convolution over a row of positions; or, with
// `scale`, a weight per channel whose gradient is Σ_t input·gradient over one row of positions
// (in_channels = groups = 1).
struct Layer {
  bool scale = false;
  bool float64 = false;
  int64_t groups = 1;
  int64_t in_channels = 0;   // of one group
  int64_t out_channels = 0;  // of one group
  int64_t kernel[2] = {1, 1};
  int64_t stride[2] = {1, 1};
  int64_t padding[2] = {0, 0};
  int64_t dilation[2] = {1, 1};

  int64_t taps() const { return kernel[0] * kernel[1]; }
  int64_t weights() const { return in_channels * taps(); }  // of one output channel
  int64_t parameters() const { return scale ? out_channels : groups * out_channels * weights(); }
};

// A tensor (network, image, channel, y, x) of float or double by Layer::float64.
struct View {
  const void* data = nullptr;
  int64_t strides[5] = {};
  int64_t size[2] = {};  // y, x

  int64_t positions() const { return size[0] * size[1]; }

  template <typename T>
  const T* at(int64_t network, int64_t image, int64_t channel) const {
    return static_cast<const T*>(data) + network * strides[0] + image * strides[1] +
           channel * strides[2];
  }
};

struct Operands {
  View input;
  View gradient;
};

}  // namespace tegnas::cpu::gram
