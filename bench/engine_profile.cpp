// Where the time of a score goes, by presets: phases of the engine on networks of NAS-Bench-201,
// float32, one thread, beside the rate at which this core multiplies and adds. The roof is the time
// of the kernel if all convolutions ran at that rate.
//   engine_profile [architectures, as six characters each: n none, s skip, 1 and 3 conv, p pool]
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "engine_random.h"
#include "kernels/cpu/eigen.h"
#include "kernels/cpu/engine/engine.h"
#include "kernels/cpu/leave_one_out.h"
#include "kernels/cpu/pattern_rank.h"
#include "kernels/cpu/regression.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

constexpr int64_t kImages = 64, kClasses = 10;
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

// What is computed of one network.
struct Preset {
  const char* name;
  const char* networks;
  Writer (*network)(const std::string& ops);
  bool all_weights;   // else those of the cells alone
  bool validation;    // kernels between two batches besides, and the statistics of `fast`; else
                      // distances between patterns besides, and those of `best`
  bool coupled;       // one sweep for every image
  int repeats;        // networks of one call, which share the stem as those of a search do
  int region_counts;  // of a score; 0: none
  Writer (*thin)(const std::string& ops);
  std::vector<int64_t> region_batches;
};

Writer proxy(const std::string& ops) { return Nasbench201::proxy(ops); }

const Preset kPresets[] = {
    {"preset best",
     "one of 10 networks",
     Nasbench201::deep,
     false,
     false,
     false,
     8,
     10,
     Nasbench201::deep_thin,
     {1000}},
    {"preset fast",
     "one of 3 networks",
     proxy,
     true,
     true,
     false,
     8,
     3,
     Nasbench201::thin,
     {1000, 1000, 1000}},
    {"coupled NTK", "one network", proxy, true, false, true, 1, 0, nullptr, {}},
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

// Floating-point operations of the convolutions of one network, by phase: the forward ones without
// a stem that networks share; the others as far as the preset wants them.
std::array<double, kPhases> conv_gflop(const engine::Plan& plan, const Preset& preset) {
  std::array<double, kPhases> sums{};
  const auto add = [&](cpu::EnginePhase phase, double products, int batches) {
    sums[static_cast<int>(phase)] += 2e-9 * products * batches * kImages;
  };
  for (int64_t s = 0; s < plan.forward.count; ++s) {
    const engine::Step& step = plan.forward.data[s];
    if (step.conv == nullptr) continue;
    add(cpu::EnginePhase::forward_conv, products(*step.conv), preset.validation ? 2 : 1);
  }
  for (int64_t s = 0; s < plan.backward.count; ++s) {
    const engine::BackStep& step = plan.backward.data[s];
    int batches = (step.searched || preset.all_weights) + (step.searched && preset.validation);
    if (preset.coupled) batches *= kImages;
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
  double ms = 0, plan_ms = 0, regions_ms = 0, statistics_ms = 0;
  std::array<double, kPhases> phases{}, gflop{};

  void add(const Profile& other, double factor) {
    ms += factor * other.ms;
    plan_ms += factor * other.plan_ms;
    regions_ms += factor * other.regions_ms;
    statistics_ms += factor * other.statistics_ms;
    for (int p = 0; p < kPhases; ++p) {
      phases[p] += factor * other.phases[p];
      gflop[p] += factor * other.gflop[p];
    }
  }
};

struct Kernels {
  std::vector<double> all, searched, cross;
  std::vector<int64_t> distances;

  explicit Kernels(int64_t networks)
      : all(networks * kImages * kImages), searched(all), cross(all), distances(all.size()) {}
};

// What the preset makes of the kernels.
double statistics_milliseconds(const Preset& preset, const Kernels& kernels, Random& random) {
  if (preset.coupled) return 0;
  const int64_t repeats = preset.repeats;
  std::vector<double> first(repeats), second(repeats);
  if (!preset.validation) {
    return least(8, [&] {
      cpu::leave_one_out(kernels.searched.data(), repeats, kImages, serial_for, first.data(),
                         second.data());
      const std::vector<double> distances(kernels.distances.begin(), kernels.distances.end());
      cpu::pattern_rank(distances.data(), repeats, kImages, serial_for, first.data());
    });
  }
  const std::vector<double> targets = random.normals(kImages * kClasses, 1);
  return least(8, [&] {
    cpu::extreme_eigenvalues(kernels.all.data(), repeats, kImages, serial_for, first.data(),
                             second.data());
    cpu::kernel_regression_error({kernels.searched.data(), kernels.cross.data(), targets.data(),
                                  targets.data(), repeats, kImages, kImages, kClasses, 0},
                                 serial_for, first.data());
  });
}

double regions_milliseconds(const Preset& preset, const std::string& ops,
                            const cpu::Kernels& kernels, Random& random) {
  if (preset.region_counts == 0) return 0;
  const Writer thin = preset.thin(ops);
  const engine::Program program = thin.program();
  const std::vector<float> params = floats(random.normals(thin.parameters(), 0.3));
  const int64_t size = thin.shape(0).size();
  std::vector<std::vector<float>> data;
  cpu::Inputs<float> batches;
  for (int64_t count : preset.region_batches) {
    data.push_back(floats(random.normals(count * size, 1)));
    batches.push_back({data.back().data(), count});
  }
  const std::vector<cpu::RegionsJob<float>> jobs(preset.region_counts, {&program, params.data()});
  const auto run = [&] { cpu::engine_regions<float>(kernels, jobs, {batches}, 1, serial_for); };
  return least(8, run) / preset.region_counts;
}

// Times are those of one network.
Profile profile_of(const Preset& preset, const std::string& ops, const cpu::Kernels& kernels) {
  const Writer writer = preset.network(ops);
  const engine::Program program = writer.program();
  Random random(1);
  const std::vector<float> params = floats(random.normals(writer.parameters(), 0.3));
  const int64_t size = writer.shape(0).size();
  const std::vector<float> x = floats(random.normals(kImages * size, 1));
  const std::vector<float> y = floats(random.normals(kImages * size, 1));
  Kernels found(preset.repeats);
  const bool patterns = !preset.validation && !preset.coupled;
  std::vector<cpu::NtkJob<float>> jobs;
  for (int64_t k = 0; k < preset.repeats; ++k) {
    const int64_t at = k * kImages * kImages;
    jobs.push_back({&program, params.data(), preset.all_weights ? &found.all[at] : nullptr,
                    &found.searched[at], preset.validation ? &found.cross[at] : nullptr, nullptr,
                    patterns ? &found.distances[at] : nullptr});
  }
  cpu::NtkOptions options;
  options.coupled = preset.coupled;
  const auto run = [&] {
    cpu::engine_ntk<float>(kernels, jobs, {x.data(), kImages},
                           {y.data(), preset.validation ? kImages : 0}, options, serial_for);
  };
  const engine::Purpose purpose =
      preset.coupled ? engine::Purpose::coupled : engine::Purpose::frozen;
  run();
  Profile profile;
  profile.ms = least(4, run) / preset.repeats;
  profile.gflop = conv_gflop(*engine::make_plan(program, purpose, false, patterns), preset);
  profile.phases.fill(1e300);
  for (int k = 0; k < 4; ++k) {
    int64_t counters[kPhases] = {};
    options.profile = counters;
    run();
    for (int p = 0; p < kPhases; ++p) {
      profile.phases[p] =
          std::min(profile.phases[p], static_cast<double>(counters[p]) * 1e-6 / preset.repeats);
    }
  }
  profile.plan_ms = least(8, [&] { engine::make_plan(program, purpose, false, patterns); });
  profile.regions_ms = regions_milliseconds(preset, ops, kernels, random);
  profile.statistics_ms = statistics_milliseconds(preset, found, random) / preset.repeats;
  return profile;
}

// The kernel's time if convolutions ran at the rate `most`, and all else took what it takes.
double roof(const Profile& p, double most) {
  if (most <= 0) return 0;
  double ms = p.ms;
  for (int k = 0; k < kPhases; ++k) {
    if (p.gflop[k] > 0) ms += p.gflop[k] / most * 1e3 - p.phases[k];
  }
  return ms;
}

void print(const char* name, const Profile& p, double most) {
  using Phase = cpu::EnginePhase;
  const auto ms = [&](Phase phase) { return p.phases[static_cast<int>(phase)]; };
  const auto rate = [&](Phase phase) {
    const double gflop = p.gflop[static_cast<int>(phase)];
    return gflop > 0 ? gflop / ms(phase) * 1e3 : 0.0;
  };
  std::printf(
      "%-8s %6.2f %6.2f %7.2f %5.0f %6.2f %7.2f %5.0f %8.2f %5.0f %6.2f %5.2f %7.2f %10.3f\n", name,
      p.ms, roof(p, most), ms(Phase::forward_conv), rate(Phase::forward_conv),
      ms(Phase::forward_other), ms(Phase::input_grad), rate(Phase::input_grad),
      ms(Phase::weight_grad), rate(Phase::weight_grad), ms(Phase::gram), p.plan_ms, p.regions_ms,
      p.statistics_ms);
}

void print_head(const Preset& preset) {
  std::printf("\n%s, %s\n", preset.name, preset.networks);
  std::printf("%-8s %6s %6s %13s %6s %13s %14s %6s %5s %7s %10s\n", "", "kernel", "roof",
              "forward conv", "other", "input grad", "weight grad", "Gram", "plan", "regions",
              "statistics");
  std::printf("%-8s %6s %6s %7s %5s %6s %7s %5s %8s %5s %6s %5s %7s %10s\n", "", "ms", "ms", "ms",
              "GF/s", "ms", "ms", "GF/s", "ms", "GF/s", "ms", "ms", "ms", "ms");
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
  std::printf("NAS-Bench-201, %s, float32, %ld images, one thread", kernels.isa,
              static_cast<long>(kImages));
  const double most = peak(kernels.isa);
  if (most > 0) std::printf("; multiply-adds at most %.0f GFLOP/s", most);
  std::printf("\n");
  std::vector<std::string> architectures{"333333", "111111", "pppppp", "ssssss"};
  if (argc > 1) architectures.assign(argv + 1, argv + argc);
  const std::vector<std::string> sample = connected_sample(argc > 1 ? 0 : 50);
  for (const Preset& preset : kPresets) {
    print_head(preset);
    for (const std::string& ops : architectures) {
      print(ops.c_str(), profile_of(preset, ops, kernels), most);
    }
    if (sample.empty() || preset.coupled) continue;
    Profile mean;
    for (const std::string& ops : sample) {
      mean.add(profile_of(preset, ops, kernels), 1.0 / static_cast<double>(sample.size()));
    }
    print("mean/50", mean, most);
  }
  return 0;
}
