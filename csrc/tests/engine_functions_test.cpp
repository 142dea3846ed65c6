// The functions of activations and their derivatives: how far each instruction set is from them.
#include <cmath>
#include <utility>
#include <vector>

#include "engine_compare.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

using engine::Function;

constexpr double kBelow = 0.125;

template <typename T>
std::vector<double> numbers() {
  std::vector<double> all;
  const auto add = [&](double x) { all.push_back(static_cast<T>(x)); };
  for (int k = -4000; k <= 4000; ++k) add(k * 0.00401);
  for (const double x : {1e-30, 1e-8, 1e-4, 20.0, 40.0, 86.9, 87.1, 100.0, 700.0, 1e4, 1e10}) {
    add(x);
    add(-x);
  }
  add(0);
  while (all.size() % 64 != 0) add(0.5);
  return all;
}

Case with_images(const Writer& w, const std::vector<double>& x) {
  Case c;
  c.program = w.program();
  c.params.assign(w.parameters(), 1);
  c.x = x;
  c.n = static_cast<int64_t>(x.size()) / w.shape(0).size();
  c.ny = 0;
  return c;
}

// Errors of values relative to the number where that is above one, those of slopes absolute.
template <typename T>
void compare_functions(const char* isa, double value_bound, double slope_bound) {
  const cpu::Kernels* kernels = cpu::kernels_for(isa);
  if (kernels == nullptr) return;
  for (const Function function : functions()) {
    const double below = some_below(function, kBelow);
    const std::string name = std::string(isa) + ", " + engine::description_of(function).name +
                             (sizeof(T) == 4 ? " float32" : " float64");
    const std::vector<double> x = numbers<T>();
    Writer values({64, 1, 1});
    values.activation(0, function, false, below);
    const std::vector<double> found = engine_ntk_of<T>(with_images(values, x), *kernels).logits;
    // Images of two pixels, x and 1. Of f(1 x + w 1) at w = 0 the derivative by w is f'(x), and the
    // kernel of w alone has its squares on the diagonal.
    Writer slopes({1, 1, 2});
    const int64_t left = slopes.conv(slopes.pad(0, 0, -1, 0, 0), 1, Window(), 1, false, false);
    const int64_t right = slopes.conv(slopes.pad(0, -1, 0, 0, 0), 1, Window(), 1, false, true);
    slopes.activation(slopes.add({left, right}), function, false, below);
    double worst_value = 0, worst_slope = 0;
    for (size_t first = 0; first < x.size(); first += 64) {
      std::vector<double> some;
      for (size_t i = first; i < first + 64; ++i) some.insert(some.end(), {x[i], 1});
      Case c = with_images(slopes, some);
      c.params = {1, 0};
      const Reference kernel = engine_ntk_of<T>(c, *kernels);
      for (size_t i = 0; i < 64; ++i) {
        const Exact<long double> expected = exact<long double>(function, x[first + i], below);
        const double value = std::abs(static_cast<double>(found[first + i] - expected.value)) /
                             std::max(1.0, std::abs(x[first + i]));
        const double root = std::sqrt(kernel.k_searched[i * 64 + i]);
        const double slope = static_cast<double>(root - std::abs(expected.slope));
        worst_value = std::max(worst_value, std::isnan(value) ? INFINITY : value);
        worst_slope = std::max(worst_slope, std::isnan(slope) ? INFINITY : std::abs(slope));
      }
    }
    if (std::getenv("TEGNAS_SHOW") != nullptr) {
      std::printf("%s: value %.2e, slope %.2e\n", name.c_str(), worst_value, worst_slope);
    }
    CHECK_SAY(worst_value <= value_bound, name + ": value off by " + std::to_string(worst_value));
    CHECK_SAY(worst_slope <= slope_bound, name + ": slope off by " + std::to_string(worst_slope));
  }
}

void not_a_number() {
  for (const Function function : functions()) {
    Writer w({3, 1, 1});
    w.activation(0, function, false, 0);
    const Reference found =
        engine_ntk_of<float>(with_images(w, {NAN, INFINITY, 1}), cpu::kernels());
    CHECK_SAY(std::isnan(found.logits[0]) && found.logits[1] >= 1 && found.logits[2] > 0,
              engine::description_of(function).name);
  }
}

}  // namespace

int main() {
  for (const char* isa : kInstructionSets) {
    compare_functions<float>(isa, 1.5e-7, 2e-7);
    compare_functions<double>(isa, 3e-16, 4e-16);
  }
  not_a_number();
  return finish("engine_functions_test");
}
