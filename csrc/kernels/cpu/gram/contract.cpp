#include "kernels/cpu/gram/contract.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/cpu/gram/balance.h"
#include "kernels/cpu/kernels.h"

namespace tegnas::cpu::gram {
namespace {

// Rows of products per block: two blocks and their products stay in the cache.
constexpr int64_t kBlockRows = 48;

// The input of a pixel under one tap of the kernel, or -1 where padding is.
int64_t pixel_under(const Layer& layer, const Operands& operands, int64_t tap, int64_t position) {
  const View& input = operands.input;
  const int64_t width = operands.gradient.size[1];
  const int64_t y = position / width * layer.stride[0] - layer.padding[0] +
                    tap / layer.kernel[1] * layer.dilation[0];
  const int64_t x = position % width * layer.stride[1] - layer.padding[1] +
                    tap % layer.kernel[1] * layer.dilation[1];
  const bool inside = y >= 0 && y < input.size[0] && x >= 0 && x < input.size[1];
  return inside ? y * input.size[1] + x : -1;
}

// For one tap: which row of input features each output position meets.
struct Meeting {
  int64_t position;
  int64_t row;
};

// One side of the contraction, in float64 rows: input features and output gradients.
struct Side {
  int64_t images = 0;
  int64_t groups = 0;
  int64_t rows = 0, features = 0;       // of the input, for one image
  int64_t positions = 0, channels = 0;  // of the gradient, for one image
  std::vector<std::vector<Meeting>> taps;
  std::vector<double> input, gradient;

  int64_t unit(int64_t network, int64_t group, int64_t image) const {
    return (network * groups + group) * images + image;
  }
  double* input_at(int64_t network, int64_t group, int64_t image) {
    return input.data() + unit(network, group, image) * rows * features;
  }
  double* gradient_at(int64_t network, int64_t group, int64_t image) {
    return gradient.data() + unit(network, group, image) * positions * channels;
  }
};

Side make_side(const Layer& layer, const Operands& operands, Way way, int64_t networks,
               int64_t images) {
  Side side;
  side.images = images;
  side.groups = layer.groups;
  side.positions = operands.gradient.positions();
  side.channels = layer.out_channels;
  const bool pixels = way == Way::pixels;
  side.rows = pixels ? operands.input.positions() : side.positions;
  side.features = pixels ? layer.in_channels : layer.weights();
  side.taps.resize(pixels ? layer.taps() : 1);
  for (size_t tap = 0; tap < side.taps.size(); ++tap) {
    for (int64_t t = 0; t < side.positions; ++t) {
      const int64_t row = pixels ? pixel_under(layer, operands, tap, t) : t;
      if (row >= 0) side.taps[tap].push_back({t, row});
    }
  }
  const int64_t units = networks * layer.groups * images;
  side.input.resize(units * side.rows * side.features);
  side.gradient.resize(units * side.positions * side.channels);
  return side;
}

template <typename T>
void fill_image(const Layer& layer, const Operands& operands, Way way, int64_t network,
                int64_t group, int64_t image, double* input, double* gradient) {
  const View& x = operands.input;
  const View& g = operands.gradient;
  const T* from = x.at<T>(network, image, group * layer.in_channels);
  auto pixel = [&](int64_t q) {
    return from + q / x.size[1] * x.strides[3] + q % x.size[1] * x.strides[4];
  };
  if (way == Way::pixels) {
    for (int64_t q = 0; q < x.positions(); ++q) {
      const T* at = pixel(q);
      for (int64_t c = 0; c < layer.in_channels; ++c) *input++ = at[c * x.strides[2]];
    }
  } else {
    for (int64_t t = 0; t < g.positions(); ++t) {
      for (int64_t tap = 0; tap < layer.taps(); ++tap) {
        const int64_t q = pixel_under(layer, operands, tap, t);
        const T* at = q < 0 ? nullptr : pixel(q);
        for (int64_t c = 0; c < layer.in_channels; ++c) {
          *input++ = at ? static_cast<double>(at[c * x.strides[2]]) : 0.0;
        }
      }
    }
  }
  const T* out = g.at<T>(network, image, group * layer.out_channels);
  for (int64_t y = 0; y < g.size[0]; ++y) {
    for (int64_t c = 0; c < g.size[1]; ++c) {
      const T* at = out + y * g.strides[3] + c * g.strides[4];
      for (int64_t o = 0; o < layer.out_channels; ++o) *gradient++ = at[o * g.strides[2]];
    }
  }
}

void fill_side(const Layer& layer, const Operands& operands, Way way, int64_t first_network,
               int64_t networks, const ParallelFor& parallel_for, Side& side) {
  parallel_for(networks * side.images, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t network = task / side.images, image = task % side.images;
      for (int64_t group = 0; group < layer.groups; ++group) {
        double* input = side.input_at(network, group, image);
        double* gradient = side.gradient_at(network, group, image);
        if (layer.float64) {
          fill_image<double>(layer, operands, way, first_network + network, group, image, input,
                             gradient);
        } else {
          fill_image<float>(layer, operands, way, first_network + network, group, image, input,
                            gradient);
        }
      }
    }
  });
}

// Σ over taps and pairs of positions of input product times gradient product, for one image pair.
double contract(const Side& left, const Side& right, const double* inputs, int64_t input_stride,
                const double* gradients, int64_t gradient_stride) {
  double total = 0;
  for (size_t tap = 0; tap < left.taps.size(); ++tap) {
    for (const Meeting& l : left.taps[tap]) {
      const double* x = inputs + l.row * input_stride;
      const double* g = gradients + l.position * gradient_stride;
      double sum = 0;
      for (const Meeting& r : right.taps[tap]) sum += x[r.row] * g[r.position];
      total += sum;
    }
  }
  return total;
}

// The Gram of images [begin, begin + some) of the left with the images of the right that matter.
void contract_block(const Problem& problem, Side& left, Side& right, int64_t network, int64_t begin,
                    int64_t some, int64_t block, std::vector<double>& inputs,
                    std::vector<double>& gradients, double* out) {
  const Kernels& kernel = kernels();
  const int64_t columns = problem.symmetric() ? begin + some : right.images;
  for (int64_t j0 = 0; j0 < columns; j0 += block) {
    const int64_t others = std::min(block, columns - j0);
    for (int64_t group = 0; group < left.groups; ++group) {
      inputs.assign(some * left.rows * others * right.rows, 0.0);
      gradients.assign(some * left.positions * others * right.positions, 0.0);
      const int64_t input_stride = others * right.rows;
      const int64_t gradient_stride = others * right.positions;
      kernel.add_row_products(left.input_at(network, group, begin), left.features, some * left.rows,
                              right.input_at(network, group, j0), right.features,
                              others * right.rows, left.features, inputs.data(), input_stride);
      kernel.add_row_products(left.gradient_at(network, group, begin), left.channels,
                              some * left.positions, right.gradient_at(network, group, j0),
                              right.channels, others * right.positions, left.channels,
                              gradients.data(), gradient_stride);
      for (int64_t i = 0; i < some; ++i) {
        for (int64_t j = 0; j < others; ++j) {
          out[(begin + i) * problem.right_images + j0 + j] += contract(
              left, right, inputs.data() + i * left.rows * input_stride + j * right.rows,
              input_stride,
              gradients.data() + i * left.positions * gradient_stride + j * right.positions,
              gradient_stride);
        }
      }
    }
  }
}

}  // namespace

void add_contracted(const Problem& problem, const Layer& layer, const Operands& left,
                    const Operands& right, Way way, const ParallelFor& parallel_for, double* out) {
  Side probe = make_side(layer, left, way, 0, problem.left_images);
  const double bytes = 8.0 * layer.groups * (problem.left_images + problem.right_images) *
                       (probe.rows * probe.features + probe.positions * probe.channels + 1);
  const int64_t at_once = std::max<int64_t>(1, static_cast<int64_t>(kContractionBytes / bytes));
  const int64_t block = std::max<int64_t>(
      1, kBlockRows / std::max<int64_t>(1, std::max(probe.rows, probe.positions)));
  const int64_t blocks = (problem.left_images + block - 1) / block;

  for (int64_t first = 0; first < problem.networks; first += at_once) {
    const int64_t networks = std::min(at_once, problem.networks - first);
    Side lefts = make_side(layer, left, way, networks, problem.left_images);
    fill_side(layer, left, way, first, networks, parallel_for, lefts);
    Side others;
    if (!problem.symmetric()) {
      others = make_side(layer, right, way, networks, problem.right_images);
      fill_side(layer, right, way, first, networks, parallel_for, others);
    }
    Side& rights = problem.symmetric() ? lefts : others;
    parallel_for(networks * blocks, [&](int64_t begin, int64_t end) {
      std::vector<double> inputs, gradients;
      for (int64_t task = begin; task < end; ++task) {
        const int64_t network = task / blocks;
        const int64_t i = balanced(task % blocks, blocks) * block;
        contract_block(problem, lefts, rights, network, i, std::min(block, problem.left_images - i),
                       block, inputs, gradients,
                       out + (first + network) * problem.left_images * problem.right_images);
      }
    });
  }
}

}  // namespace tegnas::cpu::gram
