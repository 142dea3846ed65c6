// The engine on the CPU harness against the plain reference and the CPU engine.

#include "kernels/cpu/engine/engine.h"

#include <deque>
#include <set>

#include "kernels/cuda/engine/ntk.cuh"
#include "kernels/cuda/engine/regions.cuh"
#include "tests/cuda/check.h"
#include "tests/engine_random.h"
#include "tests/engine_reference.h"
#include "tests/engine_samples.h"
#include "tests/nasbench201.h"

namespace {

using namespace tegnas;
namespace engine_on_cuda = tegnas::cuda::engine;
using cuda::grouped::Tasks;
using engine::Purpose;
using test::expect;
using test::Random;
using test::Reference;
using test::Writer;

// Jobs on the same images.
struct Problem {
  std::vector<engine::Program> programs;
  std::vector<std::vector<double>> params;
  std::vector<double> x, y;
  int64_t n, m;
  bool coupled = false, trace = false;
};

// (N, C, H, W) to (C, H, W, N).
template <typename T>
std::vector<T> images_last(const std::vector<double>& images, int64_t n) {
  const int64_t size = n == 0 ? 0 : static_cast<int64_t>(images.size()) / n;
  std::vector<T> turned(images.size());
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < size; ++k) turned[k * n + i] = static_cast<T>(images[i * size + k]);
  }
  return turned;
}

struct Result {
  std::vector<double> all, searched, cross;
};

std::vector<cuda::grouped::Task> all_tasks(const std::vector<Tasks>& programs,
                                           const std::vector<int64_t>& first) {
  std::vector<cuda::grouped::Task> tasks(first.back());
  for (size_t p = 0; p < programs.size(); ++p) {
    std::copy(programs[p].list.begin(), programs[p].list.end(), tasks.begin() + first[p]);
  }
  return tasks;
}

template <typename T>
Result run(const Problem& p, int64_t budget = 1 << 30) {
  std::vector<Tasks> programs;
  std::vector<std::vector<T>> params;
  std::vector<engine_on_cuda::Job<T>> jobs;
  for (size_t j = 0; j < p.programs.size(); ++j) {
    programs.push_back(
        cuda::grouped::emit_tasks(p.programs[j], p.coupled ? Purpose::coupled : Purpose::frozen));
    params.emplace_back(p.params[j].begin(), p.params[j].end());
  }
  const std::vector<int64_t> first = cuda::grouped::number_tasks(programs);
  const std::vector<cuda::grouped::Task> tasks = all_tasks(programs, first);
  for (size_t j = 0; j < programs.size(); ++j) {
    jobs.push_back({&programs[j], first[j], params[j].data()});
  }
  const std::vector<T> x = images_last<T>(p.x, p.n), y = images_last<T>(p.y, p.m);
  const engine_on_cuda::Batches<T> batches{x.data(), y.data(), p.n, p.m};
  const auto chunks = engine_on_cuda::cut(jobs, batches.sizes(), p.coupled, budget);
  const int64_t count = static_cast<int64_t>(jobs.size());
  Result result{std::vector<double>(count * p.n * p.n), std::vector<double>(count * p.n * p.n),
                std::vector<double>(count * p.m * p.n)};
  std::vector<double> workspace(chunks.bytes / 8, NAN);
  std::deque<std::vector<char>> kept;
  const auto upload = [&](const void* data, size_t bytes) -> const void* {
    const char* from = static_cast<const char*>(data);
    kept.emplace_back(from, from + bytes);
    return kept.back().data();
  };
  engine_on_cuda::run_ntk<T>(cuda::Stream(), jobs, batches, p.coupled, p.trace, chunks,
                             tasks.data(), workspace.data(), upload, serial_for,
                             {result.all.data(), result.searched.data(), result.cross.data()});
  return result;
}

double largest(const double* numbers, int64_t count) {
  double most = 0;
  for (int64_t k = 0; k < count; ++k) most = std::max(most, std::abs(numbers[k]));
  return most;
}

void expect_equal(const double* got, const std::vector<double>& expected, double scale,
                  double tolerance, const std::string& what) {
  for (size_t k = 0; k < expected.size(); ++k) {
    test::expect_near(got[k], expected[k], tolerance * scale, what + " " + std::to_string(k));
  }
}

template <typename T>
void agrees(const Problem& p, double tolerance, const std::string& name, int64_t budget = 1 << 30) {
  const Result got = run<T>(p, budget);
  for (size_t j = 0; j < p.programs.size(); ++j) {
    const Reference expected =
        test::reference_ntk(p.programs[j], p.params[j], p.x, p.n, p.y, p.m, p.coupled, p.trace);
    const double scale = std::max(largest(expected.k_all.data(), p.n * p.n), 1e-30);
    const std::string job = name + " job " + std::to_string(j);
    expect_equal(&got.all[j * p.n * p.n], expected.k_all, scale, tolerance, job + " all");
    expect_equal(&got.searched[j * p.n * p.n], expected.k_searched, scale, tolerance,
                 job + " searched");
    if (p.m > 0) {
      const double cross = std::max(scale, largest(expected.k_cross.data(), p.m * p.n));
      expect_equal(&got.cross[j * p.m * p.n], expected.k_cross, cross, tolerance, job + " cross");
    }
  }
}

Problem with_images(std::vector<Writer> writers, int64_t n, int64_t m, uint64_t seed) {
  Random r(seed);
  Problem p;
  for (const Writer& writer : writers) {
    p.programs.push_back(writer.program());
    p.params.push_back(r.normals(writer.parameters(), 0.4));
  }
  const int64_t size = writers[0].shape(0).size();
  p.x = r.normals(n * size, 1);
  p.y = r.normals(m * size, 1);
  p.n = n;
  p.m = m;
  return p;
}

void random_programs(int64_t first, int64_t count, int64_t n, int64_t m, bool coupled, bool trace) {
  for (int64_t seed = first; seed < first + count; ++seed) {
    cuda::harness::seed() = seed % 3;
    Random r(seed);
    Problem p = with_images({test::random_program(r, {12, 6, 7, 7, 3})}, n, m, seed);
    p.coupled = coupled;
    p.trace = trace;
    agrees<double>(p, 1e-9, "program " + std::to_string(seed));
  }
  cuda::harness::seed() = 0;
}

void frozen() { random_programs(0, 40, 5, 3, false, false); }
void coupled() { random_programs(1000, 25, 4, 3, true, false); }
void traces() {
  random_programs(2000, 4, 3, 2, false, true);
  random_programs(2100, 4, 3, 2, true, true);
}
void more_images_than_a_warp() { random_programs(3000, 2, 34, 0, false, false); }

void float32() {
  for (int64_t seed = 4000; seed < 4006; ++seed) {
    Random r(seed);
    agrees<float>(with_images({test::random_program(r, {10, 6, 7, 7, 3})}, 4, 2, seed), 1e-3,
                  "program " + std::to_string(seed));
  }
}

// Several networks in one call: few launches, the same numbers as the CPU engine, and the same bits
// whatever the memory that they have to share.
void nasbench201(bool coupled) {
  using test::Nasbench201;
  constexpr int64_t n = 2, m = 1;
  std::vector<Writer> networks;
  for (const char* ops : {"3p1sn3", "nnn1s3", "nnnnnn"}) {
    networks.push_back(Nasbench201::proxy(ops, 3, 16));
  }
  Problem p = with_images(networks, n, m, 5);
  p.coupled = coupled;
  cuda::harness::launches().clear();
  const Result got = run<double>(p);
  // One image's gradients at a time, one network at a time.
  const size_t launches = cuda::harness::launches().size();
  expect(launches < (coupled ? 100 : 80), "launches: " + std::to_string(launches));
  const Result narrow = run<double>(p, 1);
  expect(got.all == narrow.all && got.searched == narrow.searched && got.cross == narrow.cross,
         "the same bits in little memory");
  expect(cuda::harness::launches().size() > 2 * launches, "more launches in little memory");
  Result expected = got;
  std::vector<cpu::NtkJob<double>> jobs;
  for (size_t j = 0; j < p.programs.size(); ++j) {
    jobs.push_back({&p.programs[j], p.params[j].data(), &expected.all[j * n * n],
                    &expected.searched[j * n * n], &expected.cross[j * m * n], nullptr});
  }
  cpu::NtkOptions options;
  options.coupled = coupled;
  cpu::engine_ntk<double>(cpu::kernels(), jobs, {p.x.data(), n}, {p.y.data(), m}, options,
                          serial_for);
  const double scale = largest(expected.all.data(), expected.all.size());
  expect_equal(got.all.data(), expected.all, scale, 1e-12, "all");
  expect_equal(got.searched.data(), expected.searched, scale, 1e-12, "searched");
  expect_equal(got.cross.data(), expected.cross, scale, 1e-12, "cross");
}
void nasbench201_frozen() { nasbench201(false); }
void nasbench201_coupled() { nasbench201(true); }

int64_t count_patterns(const Problem& p, const std::vector<int64_t>& sizes) {
  const Tasks tasks = cuda::grouped::emit_tasks(p.programs[0], Purpose::regions);
  const std::vector<cuda::grouped::Task> all =
      all_tasks({tasks}, {0, static_cast<int64_t>(tasks.list.size())});
  const std::vector<engine_on_cuda::Job<double>> jobs{{&tasks, 0, p.params[0].data()}};
  const int64_t size = p.programs[0].shapes[0].size(), words = (tasks.words + 1) / 2;
  std::deque<std::vector<double>> images;
  std::vector<engine_on_cuda::RegionBatch<double>> batches;
  int64_t at = 0;
  for (int64_t count : sizes) {
    const std::vector<double> some(p.x.begin() + at * size, p.x.begin() + (at + count) * size);
    images.push_back(images_last<double>(some, count));
    batches.push_back({images.back().data(), at, count});
    at += count;
  }
  std::vector<uint32_t> bits(at * 2 * words, 0);
  const auto chunks = engine_on_cuda::cut(jobs, sizes, false, 1 << 30);
  std::vector<double> workspace(chunks.bytes / 8, NAN);
  std::deque<std::vector<char>> kept;
  const auto upload = [&](const void* data, size_t bytes) -> const void* {
    const char* from = static_cast<const char*>(data);
    kept.emplace_back(from, from + bytes);
    return kept.back().data();
  };
  engine_on_cuda::run_patterns<double>(cuda::Stream(), jobs, batches, chunks, all.data(),
                                       workspace.data(), upload, serial_for,
                                       {bits.data(), at, words});
  std::set<std::vector<uint32_t>> distinct;
  for (int64_t i = 0; i < at; ++i) {
    distinct.insert({bits.begin() + i * 2 * words, bits.begin() + (i + 1) * 2 * words});
  }
  return static_cast<int64_t>(distinct.size());
}

void regions() {
  std::vector<Writer> writers{test::Nasbench201::thin("3s1p3n"), test::Nasbench201::thin("nnnnn3")};
  for (int64_t seed = 5000; seed < 5010; ++seed) {
    Random r(seed);
    writers.push_back(test::random_program(r, {12, 4, 5, 5, 3}));
  }
  for (size_t w = 0; w < writers.size(); ++w) {
    const Problem p = with_images({writers[w]}, 40, 0, w);
    const auto expected = cpu::engine_regions<double>(
        cpu::kernels(), {{&p.programs[0], p.params[0].data()}},
        {{{p.x.data(), 30}, {p.x.data() + 30 * writers[w].shape(0).size(), 10}}}, 1, serial_for);
    expect(count_patterns(p, {30, 10}) == expected[0], "regions of " + std::to_string(w));
  }
}

// Every instruction and every function, alone.
void instructions() {
  for (const test::Sample& sample : test::sample_networks()) {
    for (const bool coupled : {false, true}) {
      Problem p = with_images({sample.writer}, 4, 2, 7);
      p.coupled = coupled;
      agrees<double>(p, 1e-9, sample.name);
      if (!coupled) agrees<float>(p, 1e-4, sample.name + " float32");
    }
    const Problem p = with_images({sample.writer}, 33, 0, 8);
    const int64_t expected = test::reference_regions(p.programs[0], p.params[0], {p.x});
    expect(count_patterns(p, {33}) == expected, "regions of " + sample.name);
  }
}

// No path, no channels, no weights, not finite.
void degenerate() {
  using test::square;
  Writer dead({3, 4, 4});
  const int64_t zeros = dead.zeros({3, 4, 4});
  dead.linear(dead.global_avg_pool(dead.norm(
                  dead.conv(dead.relu(zeros), 5, square(3, 1, 1), 1, false, true), true, true)),
              3, true, false);
  Writer empty({1, 5, 5});
  const int64_t none = empty.conv(0, 0, square(1, 2, 0), 1, false, true);
  const int64_t one = empty.conv(empty.pad(0, -1, 0, -1, 0), 1, square(1, 2, 0), 1, false, true);
  empty.linear(empty.norm(empty.concat({none, empty.pad(one, 0, 1, 0, 1)}), true, true), 2, false,
               false);
  Writer nothing({0, 3, 3});
  nothing.linear(nothing.relu(nothing.conv(0, 4, square(3, 1, 1), 1, true, true)), 2, true, false);
  Writer constant({2, 3, 3});
  constant.zeros({4, 1, 1});
  for (const Writer& writer : {dead, empty, nothing, constant}) {
    for (const bool coupled : {false, true}) {
      Problem p = with_images({writer}, 3, 2, 1);
      p.coupled = coupled;
      agrees<double>(p, 1e-9, "degenerate");
    }
  }
  Problem p = with_images({test::Nasbench201::proxy("3p13s1")}, 2, 1, 1);
  p.x[5] = NAN;
  expect(!std::isfinite(run<double>(p).all[0]), "NaN reaches the kernel");
}

}  // namespace

int main(int argc, char** argv) {
  return test::run_all({{"frozen", frozen},
                        {"coupled", coupled},
                        {"traces", traces},
                        {"more images than a warp", more_images_than_a_warp},
                        {"float32", float32},
                        {"NAS-Bench-201", nasbench201_frozen},
                        {"NAS-Bench-201, coupled", nasbench201_coupled},
                        {"regions", regions},
                        {"instructions", instructions},
                        {"degenerate", degenerate}},
                       argc, argv);
}
