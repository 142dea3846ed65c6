#include "kernels/cpu/gram/cost.h"

#include <cmath>

namespace tegnas::cpu::gram {
namespace {

// Costs are in fused multiply-adds of float64, measured roughly on AVX-512.
constexpr double kFloat32 = 0.5;    // a multiply-add of float32
constexpr double kRowProduct = 64;  // the end of a dot product: adding up the lanes
constexpr double kTapProduct = 16;  // a scalar multiply-add with an index
constexpr double kPreparation = 8;  // converting and storing one element
constexpr double kFloatsPerVector = 16;

double round_up(double value, double step) { return std::ceil(value / step) * step; }

}  // namespace

Choice cheapest_way(const Problem& problem, const Layer& layer, const Operands& left,
                    const Operands& right) {
  const double rows = problem.left_images, columns = problem.right_images;
  const double pairs = problem.symmetric() ? rows * (rows + 1) / 2 : rows * columns;
  const double images = problem.symmetric() ? rows : rows + columns;
  const double in = layer.in_channels, out = layer.out_channels, weights = layer.weights();
  const double positions = left.gradient.positions(), pixels = left.input.positions();
  const double positions2 = positions * right.gradient.positions();
  const double pixels2 = pixels * right.input.positions();

  const double panel = pairs * out * weights +
                       images * positions * weights * kFloat32 * round_up(out, kFloatsPerVector);
  const double patches = pairs * positions2 * (weights + out + 2 * kRowProduct) +
                         images * positions * (weights + out) * kPreparation;
  const double pixelwise =
      pairs * (pixels2 * (in + kRowProduct) + positions2 * (out + kRowProduct) +
               layer.taps() * positions2 * kTapProduct) +
      images * (pixels * in + positions * out) * kPreparation;
  const double bytes = 8 * images * layer.groups;  // of one network
  Choice choice = {Way::panel, layer.groups * panel};
  if (layer.scale) return choice;
  const auto consider = [&](Way way, double cost, double held) {
    if (layer.groups * cost < choice.cost && held < kContractionBytes) {
      choice = {way, layer.groups * cost};
    }
  };
  consider(Way::patches, patches, bytes * positions * (weights + out));
  consider(Way::pixels, pixelwise, bytes * (pixels * in + positions * out));
  return choice;
}

}  // namespace tegnas::cpu::gram
