// The Gram of weight gradients against naive loops, over geometries, sizes and both batches.

#include "kernel_check.h"
#include "kernels/cpu/gram/cost.h"
#include "kernels/cpu/gram/ntk_gram.h"

namespace tegnas::test {
namespace {

using cpu::gram::Layer;
using cpu::gram::Operands;
using cpu::gram::Problem;
using cpu::gram::View;
using cpu::gram::Way;

// One side of one layer, with the numbers that its views point to.
template <typename T>
struct Side {
  std::vector<T> input, gradient;
  Operands operands;

  Side(const Layer& layer, int64_t networks, int64_t images, int64_t height, int64_t width,
       uint64_t seed) {
    if (layer.scale) {  // positions in one row
      width *= height;
      height = 1;
    }
    int64_t out[2] = {height, width};
    if (!layer.scale) {
      const int64_t in[2] = {height, width};
      for (int d = 0; d < 2; ++d) {
        const int64_t reach = layer.dilation[d] * (layer.kernel[d] - 1) + 1;
        out[d] = (in[d] + 2 * layer.padding[d] - reach) / layer.stride[d] + 1;
      }
    }
    const int64_t channels = layer.scale ? layer.out_channels : layer.groups * layer.in_channels;
    input = fill(networks, images, channels, height, width, seed, operands.input);
    gradient = fill(networks, images, layer.groups * layer.out_channels, out[0], out[1], seed + 1,
                    operands.gradient);
  }

  static std::vector<T> fill(int64_t networks, int64_t images, int64_t channels, int64_t height,
                             int64_t width, uint64_t seed, View& view) {
    view.size[0] = height;
    view.size[1] = width;
    const int64_t strides[5] = {images * channels * height * width, channels * height * width,
                                height * width, width, 1};
    for (int d = 0; d < 5; ++d) view.strides[d] = strides[d];
    std::vector<T> numbers = normal<T>(networks * strides[0], seed);
    view.data = numbers.data();
    return numbers;
  }
};

template <typename T>
std::vector<double> jacobian_row(const Layer& layer, const Operands& operands, int64_t network,
                                 int64_t image) {
  std::vector<double> row;
  const View& x = operands.input;
  const View& g = operands.gradient;
  if (layer.scale) {
    for (int64_t c = 0; c < layer.out_channels; ++c) {
      double sum = 0;
      for (int64_t t = 0; t < x.positions(); ++t) {
        sum += static_cast<double>(x.at<T>(network, image, c)[t]) * g.at<T>(network, image, c)[t];
      }
      row.push_back(sum);
    }
    return row;
  }
  for (int64_t o = 0; o < layer.groups * layer.out_channels; ++o) {
    const int64_t first = o / layer.out_channels * layer.in_channels;
    for (int64_t k = 0; k < layer.weights(); ++k) {
      const int64_t tap = k % layer.taps();
      double sum = 0;
      for (int64_t y = 0; y < g.size[0]; ++y) {
        for (int64_t c = 0; c < g.size[1]; ++c) {
          const int64_t iy =
              y * layer.stride[0] - layer.padding[0] + tap / layer.kernel[1] * layer.dilation[0];
          const int64_t ix =
              c * layer.stride[1] - layer.padding[1] + tap % layer.kernel[1] * layer.dilation[1];
          if (iy < 0 || iy >= x.size[0] || ix < 0 || ix >= x.size[1]) continue;
          sum += static_cast<double>(
                     x.at<T>(network, image, first + k / layer.taps())[iy * x.size[1] + ix]) *
                 g.at<T>(network, image, o)[y * g.size[1] + c];
        }
      }
      row.push_back(sum);
    }
  }
  return row;
}

template <typename T>
std::vector<double> naive(const Problem& problem) {
  const auto& rights = problem.symmetric() ? problem.left : problem.right;
  std::vector<double> out(problem.networks * problem.left_images * problem.right_images);
  for (size_t l = 0; l < problem.layers.size(); ++l) {
    for (int64_t b = 0; b < problem.networks; ++b) {
      std::vector<std::vector<double>> right;
      for (int64_t j = 0; j < problem.right_images; ++j) {
        right.push_back(jacobian_row<T>(problem.layers[l], rights[l], b, j));
      }
      for (int64_t i = 0; i < problem.left_images; ++i) {
        const auto left = jacobian_row<T>(problem.layers[l], problem.left[l], b, i);
        for (int64_t j = 0; j < problem.right_images; ++j) {
          double& entry = out[(b * problem.left_images + i) * problem.right_images + j];
          for (size_t w = 0; w < left.size(); ++w) entry += left[w] * right[j][w];
        }
      }
    }
  }
  return out;
}

Layer conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
           int64_t dilation, int64_t groups) {
  Layer layer;
  layer.groups = groups;
  layer.in_channels = in;
  layer.out_channels = out;
  for (int d = 0; d < 2; ++d) {
    layer.kernel[d] = kernel;
    layer.stride[d] = stride;
    layer.padding[d] = padding;
    layer.dilation[d] = dilation;
  }
  return layer;
}

Layer scale(int64_t channels) {
  Layer layer;
  layer.scale = true;
  layer.in_channels = 1;
  layer.out_channels = channels;
  return layer;
}

struct Case {
  std::vector<Layer> layers;
  int64_t networks, images, others;  // others = 0: symmetric
  int64_t height, width;
};

template <typename T>
void compare(const Case& test, double tolerance, const std::string& name) {
  Problem problem;
  problem.layers = test.layers;
  problem.networks = test.networks;
  problem.left_images = test.images;
  problem.right_images = test.others ? test.others : test.images;
  std::vector<Side<T>> sides;
  sides.reserve(2 * test.layers.size());
  for (Layer& layer : problem.layers) {
    layer.float64 = sizeof(T) == 8;
    sides.emplace_back(layer, test.networks, test.images, test.height, test.width, sides.size());
    problem.left.push_back(sides.back().operands);
  }
  for (const Layer& layer : problem.layers) {
    if (!test.others) break;
    sides.emplace_back(layer, test.networks, test.others, test.height, test.width, sides.size());
    problem.right.push_back(sides.back().operands);
  }
  const std::vector<double> expected = naive<T>(problem);
  std::vector<double> serial(expected.size()), shuffled(expected.size());
  cpu::gram::ntk_gram(problem, serial_for, serial.data());
  cpu::gram::ntk_gram(problem, shuffled_for, shuffled.data());
  const double error = difference(serial, expected);
  CHECK_SAY(error < tolerance, name + " is off by " + std::to_string(error));
  CHECK_SAY(serial == shuffled, name);
}

void all_ways() {
  const std::vector<Case> cases = {
      {{conv(3, 4, 3, 1, 1, 1, 1)}, 1, 5, 0, 6, 7},
      {{conv(3, 4, 3, 1, 1, 1, 1)}, 2, 5, 3, 6, 7},
      {{conv(2, 3, 3, 2, 2, 2, 3), scale(5)}, 2, 9, 0, 8, 5},
      {{conv(5, 70, 1, 1, 0, 1, 1), conv(1, 1, 5, 1, 4, 2, 4)}, 1, 6, 4, 7, 7},
      {{conv(17, 33, 3, 1, 1, 1, 1)}, 1, 33, 0, 3, 3},
      {{conv(40, 30, 1, 1, 0, 1, 1)}, 3, 13, 0, 1, 1},
      {{conv(40, 30, 1, 1, 0, 1, 1)}, 3, 13, 7, 1, 1},
      {{conv(9, 16, 1, 1, 0, 1, 1)}, 1, 4, 0, 1, 700},
      {{conv(12, 20, 5, 2, 0, 1, 1)}, 1, 20, 0, 5, 5},
      {{scale(33)}, 2, 7, 0, 3, 11},
      {{conv(0, 3, 3, 1, 1, 1, 1), conv(3, 0, 3, 1, 1, 1, 1), scale(0)}, 1, 3, 0, 4, 4},
      {{conv(3, 3, 3, 1, 0, 1, 1)}, 1, 1, 0, 3, 3},
      {{conv(3, 3, 3, 1, 1, 1, 1)}, 0, 4, 0, 3, 3},
      {{conv(3, 3, 3, 1, 1, 1, 1)}, 2, 0, 0, 3, 3},
  };
  for (const Case& test : cases) {
    const std::string name = "case " + std::to_string(&test - cases.data());
    compare<float>(test, 2e-6, name + " in float32");
    compare<double>(test, 1e-13, name + " in float64");
  }
}

// The costs lead to the ways that they are meant for; other tests rely on covering all three.
void costs() {
  const auto way = [](const Layer& layer, int64_t images, int64_t size) {
    const Side<float> side(layer, 1, 1, size, size, 0);
    Problem problem;
    problem.networks = 1;
    problem.left_images = problem.right_images = images;
    return cheapest_way(problem, layer, side.operands, side.operands).way;
  };
  CHECK(way(conv(64, 64, 3, 1, 1, 1, 1), 64, 32) == Way::panel);
  CHECK(way(conv(512, 512, 3, 1, 1, 1, 1), 64, 4) == Way::pixels);
  CHECK(way(conv(512, 512, 1, 1, 0, 1, 1), 64, 1) != Way::panel);
  CHECK(way(conv(64, 96, 5, 2, 0, 1, 1), 33, 5) == Way::patches);
  CHECK(way(scale(512), 64, 4) == Way::panel);
}

}  // namespace
}  // namespace tegnas::test

int main() {
  using namespace tegnas::test;
  if (!has_simd()) return kSkipped;
  all_ways();
  costs();
  return finish("kernel_gram_test");
}
