// Where the time of a score goes: phases of the engine on NAS-Bench-201 proxy networks, float32,
// 64 + 64 images, one thread, beside the rate at which this core multiplies and adds.
//   engine_profile [architectures, as six characters each: n none, s skip, 1 and 3 conv, p pool]
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "engine_random.h"
#include "kernels/cpu/engine/engine.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

constexpr int64_t kImages = 64;
constexpr int kRepeats = 16;  // networks of one call, which share the stem as those of a search do
constexpr int kPhases = static_cast<int>(cpu::EnginePhase::count);

// Time of this thread on a core, so that other work on the machine counts less.
double milliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// The least of a few runs: the machine may be shared.
template <typename F>
double least(int runs, const F& run) {
  double best = 1e300;
  for (int k = 0; k < runs; ++k) {
    const double begin = milliseconds();
    run();
    best = std::min(best, milliseconds() - begin);
  }
  return best;
}

#if defined(__x86_64__)
// Multiply-adds that wait for nothing: 12 independent sums in registers.
constexpr int kSums = 12;
constexpr int64_t kRounds = 4000000;

template <int kBytes>
__attribute__((always_inline)) inline void multiply_and_add() {
  typedef float V __attribute__((vector_size(kBytes)));
  V sums[kSums] = {};
  const V a = V{} + 0.5f, b = V{} + 0.25f;
  for (int64_t k = 0; k < kRounds; ++k) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) {
      sums[i] = sums[i] * a + b;
      asm volatile("" : "+v"(sums[i]));
    }
  }
}

__attribute__((target("avx512f"), noinline)) void multiply_and_add_512() { multiply_and_add<64>(); }
__attribute__((target("avx2,fma"), noinline)) void multiply_and_add_256() {
  multiply_and_add<32>();
}
#endif

// GFLOP/s in float32 with the vectors that the kernels use; 0: not measured on this processor.
double peak(const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "avx512") {
    return 2 * 16 * kSums * kRounds / least(5, multiply_and_add_512) * 1e-6;
  }
  if (isa == "avx2") return 2 * 8 * kSums * kRounds / least(5, multiply_and_add_256) * 1e-6;
#endif
  return 0;
}

struct Inputs {
  std::vector<float> x, y;
};

std::vector<float> floats(const std::vector<double>& wide) { return {wide.begin(), wide.end()}; }

// Multiply-adds of a sum over taps, for one image.
double products(const engine::TapConv& conv) {
  double sum = 0;
  for (int64_t k = 0; k < conv.out_step_y * conv.out_step_x; ++k) {
    sum += static_cast<double>(conv.classes[k].taps * conv.outs.count);
  }
  return sum * static_cast<double>(conv.out_h * conv.out_w) /
         static_cast<double>(conv.out_step_y * conv.out_step_x);
}

double products(const engine::GradPiece& piece) {
  const int64_t weights =
      (piece.last - piece.first) * piece.group_in * piece.window.kh * piece.window.kw;
  return static_cast<double>(weights * piece.out_h * piece.out_w);
}

// Floating-point operations of the convolutions of one network, by phase, for the images of x and
// of y: the forward ones without the stem, which is shared; the others of y where the body needs
// them.
std::array<double, kPhases> conv_gflop(const engine::Plan& plan) {
  std::array<double, kPhases> sums{};
  const auto add = [&](cpu::EnginePhase phase, double products, int batches) {
    sums[static_cast<int>(phase)] += 2e-9 * products * batches * kImages;
  };
  for (int64_t s = 0; s < plan.forward.count; ++s) {
    const engine::Step& step = plan.forward.data[s];
    if (step.conv != nullptr) add(cpu::EnginePhase::forward_conv, products(*step.conv), 2);
  }
  for (int64_t s = 0; s < plan.backward.count; ++s) {
    const engine::BackStep& step = plan.backward.data[s];
    const int batches = step.body ? 2 : 1;
    if (step.kind == engine::BackStepKind::weight_grad) {
      const auto& pieces = plan.weight_grads.data[step.at].pieces;
      for (int64_t p = 0; p < pieces.count; ++p) {
        add(cpu::EnginePhase::weight_grad, products(pieces.data[p]), batches);
      }
    } else if (step.kind == engine::BackStepKind::collect) {
      const engine::Collect& collect = plan.collects.data[step.at];
      for (const auto& convs : {collect.relu_convs, collect.plain_convs}) {
        for (int64_t k = 0; k < convs.count; ++k) {
          add(cpu::EnginePhase::input_grad, products(convs.data[k]), batches);
        }
      }
    }
  }
  return sums;
}

struct Profile {
  double ms = 0, plan_ms = 0, regions_ms = 0;
  std::array<double, kPhases> phases{}, gflop{};

  void add(const Profile& other, double factor) {
    ms += factor * other.ms;
    plan_ms += factor * other.plan_ms;
    regions_ms += factor * other.regions_ms;
    for (int p = 0; p < kPhases; ++p) {
      phases[p] += factor * other.phases[p];
      gflop[p] += factor * other.gflop[p];
    }
  }
};

// Times are those of one network.
Profile profile_of(const std::string& ops, const cpu::Kernels& kernels, const Inputs& inputs) {
  const Writer writer = Nasbench201::proxy(ops);
  const engine::Program program = writer.program();
  Random random(1);
  const std::vector<float> params = floats(random.normals(writer.parameters(), 0.3));
  std::vector<double> all(kImages * kImages), body(all), cross(all);
  const std::vector<cpu::NtkJob<float>> jobs(
      kRepeats, {&program, params.data(), all.data(), body.data(), cross.data(), nullptr});
  cpu::NtkOptions options;
  const auto run = [&] {
    cpu::engine_ntk<float>(kernels, jobs, {inputs.x.data(), kImages}, {inputs.y.data(), kImages},
                           options, serial_for);
  };
  run();
  Profile profile;
  profile.ms = least(4, run) / kRepeats;
  profile.gflop = conv_gflop(*engine::make_plan(program, engine::Mode::frozen, false));
  profile.phases.fill(1e300);
  for (int k = 0; k < 4; ++k) {
    int64_t counters[kPhases] = {};
    options.profile = counters;
    run();
    for (int p = 0; p < kPhases; ++p) {
      profile.phases[p] =
          std::min(profile.phases[p], static_cast<double>(counters[p]) * 1e-6 / kRepeats);
    }
  }
  profile.plan_ms = least(8, [&] { engine::make_plan(program, engine::Mode::frozen, false); });
  const Writer thin = Nasbench201::thin(ops);
  const engine::Program thin_program = thin.program();
  const std::vector<float> thin_params = floats(random.normals(thin.parameters(), 0.3));
  const float* x = inputs.x.data();
  const std::vector<cpu::Images<float>> batches{{x, 1000}, {x + 9000, 1000}, {x + 18000, 1000}};
  profile.regions_ms = least(8, [&] {
    cpu::engine_regions<float>(kernels, {{&thin_program, thin_params.data()}}, batches, 1,
                               serial_for);
  });
  return profile;
}

void print(const char* name, const Profile& p) {
  using Phase = cpu::EnginePhase;
  const auto ms = [&](Phase phase) { return p.phases[static_cast<int>(phase)]; };
  const auto rate = [&](Phase phase) { return p.gflop[static_cast<int>(phase)] / ms(phase) * 1e3; };
  std::printf("%-8s %6.2f %10.2f %6.0f %8.2f %10.2f %6.0f %10.2f %6.0f %8.2f %8.2f %8.2f\n", name,
              p.ms, ms(Phase::forward_conv), rate(Phase::forward_conv), ms(Phase::forward_other),
              ms(Phase::input_grad), rate(Phase::input_grad), ms(Phase::weight_grad),
              rate(Phase::weight_grad), ms(Phase::gram), p.plan_ms, p.regions_ms);
}

// A fixed sample of architectures whose output depends on the input.
std::vector<std::string> connected_sample(int count) {
  Random random(201);
  std::vector<std::string> sample;
  while (static_cast<int>(sample.size()) < count) {
    std::string ops;
    for (int e = 0; e < 6; ++e) ops += "ns13p"[random.between(0, 4)];
    const bool through_1 = ops[0] != 'n' && (ops[4] != 'n' || (ops[2] != 'n' && ops[5] != 'n'));
    if (ops[3] != 'n' || (ops[1] != 'n' && ops[5] != 'n') || through_1) sample.push_back(ops);
  }
  return sample;
}

}  // namespace

int main(int argc, char** argv) {
  const cpu::Kernels& kernels = cpu::kernels();
  Random random(7);
  const Inputs inputs{floats(random.normals(kImages * 3 * 32 * 32, 1)),
                      floats(random.normals(kImages * 3 * 32 * 32, 1))};
  std::printf("T and G of one network, %s, float32, %ld + %ld images, one thread", kernels.isa,
              static_cast<long>(kImages), static_cast<long>(kImages));
  if (const double most = peak(kernels.isa); most > 0) {
    std::printf("; multiply-adds at most %.0f GFLOP/s", most);
  }
  std::printf("\n%-8s %6s %17s %8s %17s %17s %8s %8s %8s\n", "", "all", "forward conv", "other",
              "input gradient", "weight gradient", "Gram", "plan", "regions");
  std::printf("%-8s %6s %10s %6s %8s %10s %6s %10s %6s %8s %8s %8s\n", "", "ms", "ms", "GF/s", "ms",
              "ms", "GF/s", "ms", "GF/s", "ms", "ms", "ms");
  std::vector<std::string> architectures{"333333", "111111", "pppppp", "ssssss"};
  if (argc > 1) architectures.assign(argv + 1, argv + argc);
  for (const std::string& ops : architectures) {
    print(ops.c_str(), profile_of(ops, kernels, inputs));
  }
  if (argc > 1) return 0;
  Profile mean;
  const std::vector<std::string> sample = connected_sample(50);
  for (const std::string& ops : sample) {
    mean.add(profile_of(ops, kernels, inputs), 1.0 / static_cast<double>(sample.size()));
  }
  print("mean/50", mean);
  return 0;
}
