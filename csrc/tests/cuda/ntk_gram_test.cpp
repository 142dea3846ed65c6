// ntk_gram on the CPU harness against the CPU kernel.

#include "kernels/cuda/gram/ntk_gram.cuh"

#include <memory>

#include "tests/cuda/check.h"

namespace {

using tegnas::cpu::gram::Layer;
using tegnas::cpu::gram::Operands;
using tegnas::cpu::gram::Problem;
using tegnas::cpu::gram::View;
using tegnas::cuda::gram::Limits;
using tegnas::test::expect;

struct Convolution {
  int64_t groups, in, out;
  int64_t kernel, stride, padding, dilation;
  int64_t size;
};

int64_t window_steps(const Convolution& c) {
  return (c.size + 2 * c.padding - c.dilation * (c.kernel - 1) - 1) / c.stride + 1;
}

// A problem with memory of its own.
class Example {
 public:
  Example(uint64_t seed, int64_t networks, int64_t left, int64_t right) : random_(seed) {
    problem.networks = networks;
    problem.left_images = left;
    problem.right_images = right > 0 ? right : left;
    cross_ = right > 0;
  }

  template <typename T>
  void convolution(const Convolution& c) {
    Layer layer = make<T>(c.groups, c.in, c.out);
    for (int d = 0; d < 2; ++d) {
      layer.kernel[d] = c.kernel;
      layer.stride[d] = c.stride;
      layer.padding[d] = c.padding;
      layer.dilation[d] = c.dilation;
    }
    const int64_t steps = window_steps(c);
    add<T>(layer, c.groups * c.in, {c.size, c.size}, c.groups * c.out, {steps, steps});
  }
  template <typename T>
  void linear(int64_t in, int64_t out, int64_t positions) {
    add<T>(make<T>(1, in, out), in, {1, positions}, out, {1, positions});
  }
  template <typename T>
  void scale(int64_t channels, int64_t positions) {
    Layer layer = make<T>(1, 1, channels);
    layer.scale = true;
    add<T>(layer, channels, {1, positions}, channels, {1, positions});
  }

  Problem problem;

 private:
  struct Size {
    int64_t y, x;
  };

  template <typename T>
  Layer make(int64_t groups, int64_t in, int64_t out) {
    Layer layer;
    layer.float64 = sizeof(T) == 8;
    layer.groups = groups;
    layer.in_channels = in;
    layer.out_channels = out;
    return layer;
  }

  // With padding between the images and channels last for every other tensor, to try strides.
  template <typename T>
  View view(int64_t images, int64_t channels, Size size) {
    const int64_t pixels = size.y * size.x, image = channels * pixels + 3;
    auto values = std::make_shared<std::vector<T>>(
        tegnas::test::normal<T>(random_, problem.networks * images * image));
    kept_.push_back(values);
    View view;
    view.data = values->data();
    view.size[0] = size.y;
    view.size[1] = size.x;
    const bool channels_last = kept_.size() % 2 == 0;
    const int64_t strides[5] = {images * image, image, channels_last ? 1 : pixels,
                                size.x * (channels_last ? channels : 1),
                                channels_last ? channels : 1};
    std::copy(strides, strides + 5, view.strides);
    return view;
  }

  template <typename T>
  void add(const Layer& layer, int64_t in, Size in_size, int64_t out, Size out_size) {
    problem.layers.push_back(layer);
    const auto side = [&](int64_t images) {
      return Operands{view<T>(images, in, in_size), view<T>(images, out, out_size)};
    };
    problem.left.push_back(side(problem.left_images));
    if (cross_) problem.right.push_back(side(problem.right_images));
  }

  std::mt19937_64 random_;
  std::vector<std::shared_ptr<void>> kept_;
  bool cross_;
};

void agrees(const Problem& problem, double tolerance, const Limits& limits = {}) {
  const int64_t size = problem.networks * problem.left_images * problem.right_images;
  std::vector<double> expected(size), got(size, -12345);
  tegnas::cpu::gram::ntk_gram(problem, tegnas::serial_for, expected.data());
  const auto plan = tegnas::cuda::gram::make_plan(problem, limits);
  const std::vector<double> noise(plan.workspace() / sizeof(double), NAN);
  std::vector<double> workspace = noise;
  tegnas::cuda::gram::ntk_gram(tegnas::cuda::Stream(), problem, plan, workspace.data(), got.data());
  double most = 0;
  for (double value : expected) most = std::max(most, std::abs(value));
  for (int64_t i = 0; i < size; ++i) {
    tegnas::test::expect_near(got[i] / most, expected[i] / most, tolerance,
                              "entry " + std::to_string(i));
  }
}

constexpr double kFloat32 = 2e-6, kFloat64 = 1e-12;

template <typename T>
void add_layers(Example& example) {
  example.convolution<T>({1, 3, 5, 3, 1, 1, 1, 7});
  example.convolution<T>({1, 5, 4, 1, 2, 0, 1, 7});
  example.convolution<T>({4, 1, 1, 3, 2, 2, 2, 9});
  example.convolution<T>({2, 3, 2, 2, 1, 0, 1, 5});
  example.scale<T>(5, 49);
  example.linear<T>(12, 10, 1);
  example.linear<T>(6, 7, 5);
}

void kinds_of_layers() {
  tegnas::test::in_every_order([] {
    for (const int64_t right : {0, 4}) {
      Example single(1, 2, 5, right), twofold(2, 2, 5, right), mixed(3, 1, 3, right);
      add_layers<float>(single);
      add_layers<double>(twofold);
      add_layers<float>(mixed);
      add_layers<double>(mixed);
      agrees(single.problem, kFloat32);
      agrees(twofold.problem, kFloat64);
      agrees(mixed.problem, kFloat32);
    }
  });
}

void large_tiles() {
  Example example(4, 1, 2, 0);
  example.convolution<double>({1, 10, 70, 3, 1, 1, 1, 5});
  example.convolution<double>({1, 130, 33, 1, 1, 0, 1, 5});
  agrees(example.problem, kFloat64);
  Example single(5, 1, 2, 0);
  single.convolution<float>({1, 4, 40, 3, 1, 1, 1, 20});  // more positions than exact slices
  agrees(single.problem, kFloat32);
}

void more_images_than_a_tile() {
  for (const int64_t right : {0, 66}) {
    Example example(6, 2, 67, right);
    example.convolution<double>({1, 2, 3, 3, 1, 1, 1, 4});
    example.linear<double>(5, 3, 1);
    agrees(example.problem, kFloat64);
  }
}

// Memory so short that layers are cut and networks go one after the other.
void panels_and_splits() {
  for (const int64_t right : {0, 3}) {
    Example example(7, 3, 4, right);
    add_layers<double>(example);
    example.convolution<double>({1, 3, 40, 3, 1, 1, 1, 4});
    for (const int64_t columns : {1, 50, 300}) {
      Limits limits;
      limits.panel_bytes = columns * (4 + right) * 8;
      limits.split_columns = 7;
      const auto plan = tegnas::cuda::gram::make_plan(example.problem, limits);
      expect(plan.panels.size() > 2 && plan.networks_at_once == 1 && plan.splits > 1,
             "several panels and splits");
      agrees(example.problem, kFloat64, limits);
    }
  }
}

void launches_are_few() {
  Example example(8, 2, 4, 0);
  add_layers<float>(example);
  tegnas::cuda::harness::launches().clear();
  agrees(example.problem, kFloat32);
  // One per layer with rows, one for the products, one for the contracted layer, one for the sum.
  expect(tegnas::cuda::harness::launches().size() == 6 + 1 + 1 + 1, "9 launches");
}

void empty_problems() {
  Example none(9, 0, 3, 0), layerless(10, 2, 3, 0);
  add_layers<float>(none);
  agrees(none.problem, kFloat32);
  layerless.convolution<float>({1, 2, 0, 3, 1, 1, 1, 4});
  agrees(layerless.problem, kFloat32);
}

}  // namespace

int main() {
  return tegnas::test::run_all({{"kinds of layers", kinds_of_layers},
                                {"large tiles", large_tiles},
                                {"more images than a tile", more_images_than_a_tile},
                                {"panels and splits", panels_and_splits},
                                {"launches are few", launches_are_few},
                                {"empty problems", empty_problems}});
}
