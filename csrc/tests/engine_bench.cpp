// Times the engine on NAS-Bench-201 proxy networks: one core, float32, 64 + 64 images.
//   engine_bench [architectures, as six characters each ...]
#include <cstdio>
#include <cstring>
#include <ctime>

#include "engine_random.h"
#include "kernels/cpu/engine/engine.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

// Time of this thread on a core, so that other work on the machine counts less.
double milliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// The least of a few runs: the machine is shared.
template <typename F>
double best_of(int runs, const F& run) {
  double best = 1e300;
  for (int k = 0; k < runs; ++k) {
    const double begin = milliseconds();
    run();
    best = std::min(best, milliseconds() - begin);
  }
  return best;
}

// Multiply-adds of all convolutions for one image.
double conv_products(const engine::Program& program) {
  double total = 0;
  for (int64_t v = 1; v < program.values(); ++v) {
    const engine::Instruction& i = program.defines(v);
    if (i.op != engine::Op::conv2d) continue;
    total += static_cast<double>(engine::weight_count(program, v) * program.shapes[v].pixels());
  }
  return total;
}

struct Inputs {
  std::vector<float> x, y;
};

void time_architecture(const std::string& ops, const cpu::Kernels& kernels, const Inputs& inputs,
                       int64_t n, bool print) {
  const Writer writer = Nasbench201::proxy(ops);
  const engine::Program program = writer.program();
  Random r(1);
  std::vector<double> wide = r.normals(writer.parameters(), 0.3);
  const std::vector<float> params(wide.begin(), wide.end());
  std::vector<double> all(n * n), body(n * n), cross(n * n);
  const std::vector<cpu::NtkJob<float>> jobs{
      {&program, params.data(), all.data(), body.data(), cross.data(), nullptr}};
  int64_t profile[static_cast<int>(cpu::EnginePhase::count)] = {};
  cpu::NtkOptions options;
  const auto run = [&] {
    cpu::engine_ntk<float>(kernels, jobs, {inputs.x.data(), n}, {inputs.y.data(), n}, options,
                           serial_for);
  };
  run();
  const double ms = best_of(12, run);
  options.profile = profile;
  int64_t least[static_cast<int>(cpu::EnginePhase::count)];
  std::fill(std::begin(least), std::end(least), INT64_MAX);
  for (int k = 0; k < 8; ++k) {
    std::memset(profile, 0, sizeof profile);
    run();
    for (int p = 0; p < static_cast<int>(cpu::EnginePhase::count); ++p) {
      least[p] = std::min(least[p], profile[p]);
    }
  }
  options.profile = nullptr;
  const Writer thin = Nasbench201::thin(ops);
  const engine::Program thin_program = thin.program();
  std::vector<double> thin_wide = r.normals(thin.parameters(), 0.3);
  const std::vector<float> thin_params(thin_wide.begin(), thin_wide.end());
  const std::vector<cpu::Images<float>> batches{
      {inputs.x.data(), 1000}, {inputs.x.data() + 9000, 1000}, {inputs.x.data() + 18000, 1000}};
  int64_t regions = 0;
  const double regions_ms = best_of(10, [&] {
    regions = cpu::engine_regions<float>(kernels, {{&thin_program, thin_params.data()}}, batches, 1,
                                         serial_for)[0];
  });
  const double plan_ms =
      best_of(10, [&] { engine::make_plan(program, engine::Mode::frozen, false); });
  if (!print) return;
  const double gflop = 2 * conv_products(program) * 2 * static_cast<double>(n) * 1e-9;
  const auto rate = [&](cpu::EnginePhase phase) {
    return gflop / (static_cast<double>(least[static_cast<int>(phase)]) * 1e-9);
  };
  const auto time = [&](cpu::EnginePhase phase) {
    return static_cast<double>(least[static_cast<int>(phase)]) * 1e-6;
  };
  using P = cpu::EnginePhase;
  std::printf(
      "%s  T+G %6.2f ms (plan %.2f) | forward conv %5.2f ms %4.0f GF/s, other %5.2f | input grad "
      "%5.2f "
      "ms %4.0f GF/s | weight grad %5.2f ms %4.0f GF/s | gram %5.2f | regions %ld in %.2f ms\n",
      ops.c_str(), ms, plan_ms, time(P::forward_conv), rate(P::forward_conv),
      time(P::forward_other), time(P::input_grad), rate(P::input_grad), time(P::weight_grad),
      rate(P::weight_grad), time(P::gram), static_cast<long>(regions), regions_ms);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t n = 64;
  const cpu::Kernels& kernels = cpu::kernels();
  Random r(7);
  Inputs inputs;
  for (std::vector<float>* images : {&inputs.x, &inputs.y}) {
    const std::vector<double> wide = r.normals(n * 3 * 32 * 32, 1);
    images->assign(wide.begin(), wide.end());
  }
  std::printf("%s, float32, %ld + %ld images, one thread\n", kernels.isa, static_cast<long>(n),
              static_cast<long>(n));
  std::vector<std::string> architectures{"333333", "111111", "3ps1s3",
                                         "s3n31p", "pppppp", "ssssss"};
  if (argc > 1) architectures.assign(argv + 1, argv + argc);
  for (const std::string& ops : architectures) time_architecture(ops, kernels, inputs, n, true);
  // The mean over the space, by a fixed sample.
  constexpr int kPhases = static_cast<int>(cpu::EnginePhase::count);
  double total = 0, phases[kPhases] = {};
  const int sample = argc > 1 ? 0 : 50;
  for (int k = 0; k < sample; ++k) {
    std::string ops;
    for (int e = 0; e < 6; ++e) ops += "ns13p"[r.between(0, 4)];
    const Writer writer = Nasbench201::proxy(ops);
    const engine::Program program = writer.program();
    const std::vector<double> wide = r.normals(writer.parameters(), 0.3);
    const std::vector<float> params(wide.begin(), wide.end());
    std::vector<double> all(n * n), body(n * n), cross(n * n);
    int64_t profile[kPhases];
    cpu::NtkOptions options;
    options.profile = profile;
    const auto run = [&] {
      std::fill(std::begin(profile), std::end(profile), 0);
      cpu::engine_ntk<float>(
          kernels, {{&program, params.data(), all.data(), body.data(), cross.data(), nullptr}},
          {inputs.x.data(), n}, {inputs.y.data(), n}, options, serial_for);
    };
    total += best_of(3, run) / sample;
    for (int p = 0; p < kPhases; ++p) phases[p] += static_cast<double>(profile[p]) * 1e-6 / sample;
  }
  if (sample > 0) {
    std::printf(
        "mean over %d random architectures: T+G %.2f ms | forward conv %.2f, other %.2f | input "
        "grad %.2f | weight grad %.2f | gram %.2f\n",
        sample, total, phases[0], phases[1], phases[2], phases[3], phases[4]);
  }
  return 0;
}
