// The functions of activations and their derivatives: how far each instruction set is from them.
#include <cmath>
#include <utility>
#include <vector>

#include "engine_compare.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

using engine::Function;
using Exact = std::pair<long double, long double>;

long double gate(long double x) { return 1 / (1 + std::exp(-x)); }

// Value and derivative.
Exact exact(Function function, long double x, long double below) {
  const long double pi = 3.14159265358979323846264338328L;
  switch (function) {
    case Function::relu6:
      return {std::min(std::max(x, 0.0L), 6.0L), x > 0 && x < 6 ? 1 : 0};
    case Function::sigmoid:
      return {gate(x), gate(x) * gate(-x)};
    case Function::hardsigmoid:
      return {std::min(std::max(x / 6 + 0.5L, 0.0L), 1.0L), x > -3 && x < 3 ? 1.0L / 6 : 0};
    case Function::silu:
      return {x * gate(x), gate(x) + x * gate(x) * gate(-x)};
    case Function::hardswish:
      if (x <= -3) return {0, 0};
      return x >= 3 ? Exact{x, 1} : Exact{x * (x + 3) / 6, x / 3 + 0.5L};
    case Function::gelu: {
      const long double normal = std::erfc(-x / std::sqrt(2.0L)) / 2;
      return {x * normal, normal + x * std::exp(-x * x / 2) / std::sqrt(2 * pi)};
    }
    case Function::gelu_tanh: {
      const long double c = 2 * std::sqrt(2 / pi);
      const long double u = c * (x + 0.044715L * x * x * x);
      return {x * gate(u), gate(u) + x * gate(u) * gate(-u) * c * (1 + 3 * 0.044715L * x * x)};
    }
    case Function::leaky_relu:
      return {x > 0 ? x : below * x, x > 0 ? 1 : below};
  }
  return {NAN, NAN};
}

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
  for (int64_t k = 1; engine::function_name(static_cast<Function>(k)); ++k) {
    const auto function = static_cast<Function>(k);
    const double below = function == Function::leaky_relu ? kBelow : 0;
    const std::string name = std::string(isa) + ", " + engine::function_name(function) +
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
        const Exact expected = exact(function, x[first + i], below);
        const double value = std::abs(static_cast<double>(found[first + i] - expected.first)) /
                             std::max(1.0, std::abs(x[first + i]));
        const double root = std::sqrt(kernel.k_body[i * 64 + i]);
        const double slope = static_cast<double>(root - std::abs(expected.second));
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
  for (int64_t k = 1; engine::function_name(static_cast<Function>(k)); ++k) {
    Writer w({3, 1, 1});
    w.activation(0, static_cast<Function>(k), false, 0);
    const Reference found =
        engine_ntk_of<float>(with_images(w, {NAN, INFINITY, 1}), cpu::kernels());
    CHECK_SAY(std::isnan(found.logits[0]) && found.logits[1] >= 1 && found.logits[2] > 0,
              engine::function_name(static_cast<Function>(k)));
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
