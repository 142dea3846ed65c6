// Compares the engine with the reference on one program, for every instruction set.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "engine_random.h"
#include "engine_reference.h"
#include "kernels/cpu/engine/engine.h"

namespace tegnas::test {

constexpr const char* kInstructionSets[] = {"portable", "avx2", "avx512"};

inline void threads_for(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  std::vector<std::thread> threads;
  for (int64_t k = 0; k < count; ++k) threads.emplace_back([&body, k] { body(k, k + 1); });
  for (std::thread& thread : threads) thread.join();
}

inline double largest(const std::vector<double>& numbers) {
  double most = 0;
  for (double number : numbers) most = std::max(most, std::abs(number));
  return most;
}

// The largest difference; infinite where a number is NaN.
inline double difference(const std::vector<double>& got, const std::vector<double>& expected) {
  double worst = 0;
  for (size_t k = 0; k < expected.size(); ++k) {
    const double d = std::abs(got[k] - expected[k]);
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  return worst;
}

struct Case {
  engine::Program program;
  std::vector<double> params, x, y;
  int64_t n, ny;
  bool coupled = false, trace = false;
};

// `distances`: of the patterns of x, (n, n), where they are asked for.
template <typename T>
Reference engine_ntk_of(const Case& c, const cpu::Kernels& kernels, int64_t workers = 1,
                        const ParallelFor& parallel_for = serial_for,
                        int64_t* distances = nullptr) {
  const std::vector<T> params(c.params.begin(), c.params.end()), x(c.x.begin(), c.x.end()),
      y(c.y.begin(), c.y.end());
  Reference r;
  r.k_all.assign(c.n * c.n, -1);
  r.k_searched.assign(c.n * c.n, -1);
  r.k_cross.assign(c.ny * c.n, -1);
  std::vector<T> logits(c.n * c.program.shapes.back().c);
  cpu::NtkOptions options;
  options.coupled = c.coupled;
  options.outputs = c.trace ? cpu::OutputReduction::trace : cpu::OutputReduction::sum;
  options.workers = workers;
  cpu::engine_ntk<T>(kernels,
                     {{&c.program, params.data(), r.k_all.data(), r.k_searched.data(),
                       c.ny > 0 ? r.k_cross.data() : nullptr, logits.data(), distances}},
                     {x.data(), c.n}, {y.data(), c.ny}, options, parallel_for);
  r.logits.assign(logits.begin(), logits.end());
  return r;
}

// The kernels with one executor for all images, small or not.
inline cpu::Kernels narrow(cpu::Kernels kernels) {
  kernels.engine_f32_wide = kernels.engine_f32;
  return kernels;
}
inline cpu::Kernels wide(cpu::Kernels kernels) {
  kernels.engine_f32 = kernels.engine_f32_wide;
  return kernels;
}

inline void compare(const Case& c, const std::string& name, double tolerance32) {
  const Reference expected =
      reference_ntk(c.program, c.params, c.x, c.n, c.y, c.ny, c.coupled, c.trace);
  const double scale = largest(expected.k_all);
  for (const char* isa : kInstructionSets) {
    const cpu::Kernels* kernels = cpu::kernels_for(isa);
    if (kernels == nullptr) continue;
    for (const std::string numbers : {"float64", "float32", "float32 in wide vectors"}) {
      const double tolerance = numbers == "float64" ? 1e-9 : tolerance32;
      const Reference got = numbers == "float64"   ? engine_ntk_of<double>(c, *kernels)
                            : numbers == "float32" ? engine_ntk_of<float>(c, narrow(*kernels))
                                                   : engine_ntk_of<float>(c, wide(*kernels));
      // Relative to the largest number of the whole kernel: parts of it may cancel to rounding.
      const auto check = [&](const char* what, const std::vector<double>& a,
                             const std::vector<double>& b, double scale) {
        const double d = difference(a, b) / std::max(scale, 1e-2);
        CHECK_SAY(d <= tolerance, name + ", " + isa + " " + numbers + ", " + what +
                                      (c.coupled ? ", coupled" : ", frozen") +
                                      (c.trace ? ", trace" : "") + ": relative difference " +
                                      std::to_string(d) + ", largest " + std::to_string(scale));
      };
      check("logits", got.logits, expected.logits, largest(expected.logits));
      if (expected.undecided) continue;
      check("k_all", got.k_all, expected.k_all, scale);
      check("k_searched", got.k_searched, expected.k_searched, scale);
      check("k_cross", got.k_cross, expected.k_cross, scale);
    }
  }
}

inline Case random_case(Random& r, const RandomLimits& limits, int64_t n, int64_t ny) {
  const Writer writer = random_program(r, limits);
  Case c;
  c.program = writer.program();
  c.params = r.normals(writer.parameters(), 0.5);
  const int64_t size = writer.shape(0).size();
  c.n = n;
  c.ny = ny;
  c.x = r.normals(n * size, 1);
  c.y = r.normals(ny * size, 1);
  return c;
}

}  // namespace tegnas::test
