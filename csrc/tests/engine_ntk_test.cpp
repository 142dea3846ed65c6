// Kernels of random programs and of NAS-Bench-201 networks against the reference: every
// instruction, both derivatives of batch norm, all instruction sets, awkward sizes.
#include <algorithm>
#include <cstring>

#include "engine_compare.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

void random_programs(int64_t first, int64_t count, int64_t n, int64_t ny, bool coupled, bool trace,
                     const RandomLimits& limits) {
  for (int64_t seed = first; seed < first + count; ++seed) {
    Random r(static_cast<uint64_t>(seed));
    Case c = random_case(r, limits, n, ny);
    c.coupled = coupled;
    c.trace = trace;
    compare(c, "program " + std::to_string(seed), 1e-3);
  }
}

Case filled(const Writer& writer, int64_t n, int64_t ny, bool coupled) {
  Random r(3);
  Case c;
  c.program = writer.program();
  c.params = r.normals(writer.parameters(), 0.4);
  c.n = n;
  c.ny = ny;
  c.x = r.normals(n * writer.shape(0).size(), 1);
  c.y = r.normals(ny * writer.shape(0).size(), 1);
  c.coupled = coupled;
  return c;
}

void nasbench201() {
  for (const char* ops : {"333333", "3ps1n3", "n1s3p1"}) {
    compare(filled(Nasbench201::proxy(ops), 5, 3, false), ops, 1e-3);
  }
  compare(filled(Nasbench201::proxy("31spn3"), 3, 2, true), "31spn3", 1e-3);
  compare(filled(Nasbench201::deep("333131"), 5, 3, false), "deep 333131", 1e-3);
}

// Convolutions whose output pixels read all input pixels, which have no rows of the Jacobian: with
// and without norms and biases, of the searched and not, several kernels on one view.
void pairs_of_pixels() {
  Writer small({9, 2, 2});
  const auto conv = [](Writer& w, int64_t in, int64_t out, const Window& window, bool bias,
                       bool searched) { return w.conv(in, out, window, 1, bias, searched); };
  const Window three = square(3, 1, 1), five = square(5, 1, 2);
  const int64_t x = small.relu(small.norm(conv(small, 0, 17, three, true, true), true, true));
  const int64_t half = small.norm(conv(small, x, 10, three, false, true), true, false);
  const int64_t other = small.norm(conv(small, x, 10, three, false, false), true, true);
  const int64_t plain = conv(small, x, 10, three, true, false);
  const int64_t wide = small.norm(conv(small, x, 10, five, false, true), false, false);
  const int64_t sum = small.relu(small.add({half, other, plain, wide}));
  small.linear(conv(small, sum, 8, three, false, true), 3, true, false);

  Writer row({12, 1, 3});
  Window across;
  across.kw = 5;
  across.pw = 2;
  const int64_t y = row.norm(conv(row, 0, 14, across, false, true), true, true);
  row.linear(row.global_avg_pool(conv(row, row.relu(y), 40, across, false, true)), 2, true, true);
  for (const bool trace : {false, true}) {
    for (const Writer& writer : {small, row}) {
      Case c = filled(writer, 35, 9, false);
      c.trace = trace;
      compare(c, "pairs of pixels", 1e-3);
    }
  }
}

// Networks without a path, layers without channels, images of one pixel.
void degenerate() {
  Writer dead({3, 4, 4});
  int64_t zeros = dead.zeros({3, 4, 4});
  int64_t x =
      dead.norm(dead.conv(dead.relu(zeros), 5, square(3, 1, 1), 1, false, true), true, true);
  x = dead.norm(dead.conv(dead.relu(dead.add({x, x})), 2, square(1, 1, 0), 1, false, true), true,
                true);
  dead.linear(dead.global_avg_pool(x), 3, true, false);
  for (const bool coupled : {false, true}) compare(filled(dead, 3, 2, coupled), "dead", 1e-3);

  Writer empty({1, 5, 5});
  const int64_t none = empty.conv(0, 0, square(1, 2, 0), 1, false, true);
  const int64_t one = empty.conv(empty.pad(0, -1, 0, -1, 0), 1, square(1, 2, 0), 1, false, true);
  const int64_t cropped = empty.pad(one, 0, 1, 0, 1);
  empty.linear(empty.norm(empty.concat({none, cropped}), true, true), 2, false, false);
  for (const bool coupled : {false, true}) compare(filled(empty, 4, 3, coupled), "empty", 1e-3);

  Writer nothing({0, 3, 3});
  nothing.linear(nothing.relu(nothing.conv(0, 4, square(3, 1, 1), 1, true, true)), 2, true, false);
  compare(filled(nothing, 3, 2, false), "no input channels", 1e-3);

  Writer pixel({2, 1, 1});
  pixel.linear(pixel.relu(pixel.conv(0, 3, square(3, 1, 1), 1, true, true)), 1, true, true);
  for (const bool coupled : {false, true}) compare(filled(pixel, 1, 1, coupled), "pixel", 1e-3);

  Writer constant({2, 3, 3});
  constant.zeros({4, 1, 1});
  compare(filled(constant, 2, 2, false), "no weights", 1e-3);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.empty() || std::memcmp(a.data(), b.data(), sizeof(double) * a.size()) == 0;
}

// NaN and infinity in the images reach the kernel and nothing else happens.
void not_finite() {
  for (const double bad : {NAN, INFINITY}) {
    for (const bool coupled : {false, true}) {
      Case c = filled(Nasbench201::proxy("3p13s1"), 3, 2, coupled);
      c.x[5] = bad;
      const Reference got = engine_ntk_of<float>(c, cpu::kernels());
      CHECK(!std::isfinite(got.k_all[0]));
    }
  }
}

// The same bits for any number of threads, and for many jobs in one call.
void threads_and_jobs() {
  for (const bool coupled : {false, true}) {
    std::vector<Case> cases;
    for (const char* ops : {"3s31p1", "111nnn", "333333"}) {
      cases.push_back(filled(Nasbench201::proxy(ops), 5, 3, coupled));
    }
    std::vector<Reference> alone, together(cases.size());
    std::vector<std::vector<float>> params;
    std::vector<cpu::NtkJob<float>> jobs;
    for (const Case& c : cases) {
      alone.push_back(engine_ntk_of<float>(c, cpu::kernels()));
      params.emplace_back(c.params.begin(), c.params.end());
    }
    for (size_t k = 0; k < cases.size(); ++k) {
      together[k].k_all.resize(25);
      together[k].k_cross.resize(15);
      jobs.push_back({&cases[k].program, params[k].data(), together[k].k_all.data(), nullptr,
                      together[k].k_cross.data(), nullptr});
    }
    const std::vector<float> x(cases[0].x.begin(), cases[0].x.end());
    const std::vector<float> y(cases[0].y.begin(), cases[0].y.end());
    // All cases see the images of the first.
    for (Case& c : cases) c.x = cases[0].x, c.y = cases[0].y;
    for (size_t k = 0; k < cases.size(); ++k)
      alone[k] = engine_ntk_of<float>(cases[k], cpu::kernels());
    for (const int64_t workers : {1, 2, 5}) {
      cpu::NtkOptions options;
      options.workers = workers;
      options.coupled = coupled;
      cpu::engine_ntk<float>(cpu::kernels(), jobs, {x.data(), 5}, {y.data(), 3}, options,
                             threads_for);
      for (size_t k = 0; k < cases.size(); ++k) {
        CHECK(together[k].k_all == alone[k].k_all);
        CHECK(together[k].k_cross == alone[k].k_cross);
      }
    }
  }
}

// Of the kernel's own forward sweep, the distances that a sweep for patterns alone gives, and the
// kernel has the same bits with them and without.
template <typename T>
void compare_distances(const Case& c, const cpu::Kernels& kernels, const std::string& name) {
  const std::vector<T> params(c.params.begin(), c.params.end()), x(c.x.begin(), c.x.end());
  std::vector<int64_t> expected(c.n * c.n, -1), found(c.n * c.n, -2);
  cpu::engine_pattern_distances<T>(kernels, {{&c.program, params.data()}}, {{{x.data(), c.n}}}, 1,
                                   serial_for, expected.data());
  const Reference with = engine_ntk_of<T>(c, kernels, 2, threads_for, found.data());
  const Reference without = engine_ntk_of<T>(c, kernels);
  const std::string told = name + ", " + kernels.isa + (c.coupled ? ", coupled" : ", frozen") +
                           (sizeof(T) == sizeof(double) ? ", float64" : ", float32");
  CHECK_SAY(found == expected, told + ": other distances");
  CHECK_SAY(same_bits(with.k_all, without.k_all) && same_bits(with.logits, without.logits) &&
                same_bits(with.k_searched, without.k_searched) &&
                same_bits(with.k_cross, without.k_cross),
            told + ": another kernel");
}

void compare_distances(Case c, const std::string& name) {
  for (const char* isa : kInstructionSets) {
    const cpu::Kernels* kernels = cpu::kernels_for(isa);
    if (kernels == nullptr) continue;
    for (const bool coupled : {false, true}) {
      c.coupled = coupled;
      compare_distances<float>(c, narrow(*kernels), name);
      compare_distances<float>(c, wide(*kernels), name);
      compare_distances<double>(c, *kernels, name);
    }
  }
}

void distances() {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    Random r(seed);
    Case c = random_case(r, {16, 6, 7, 7, 3}, r.between(1, 6), r.between(0, 2));
    c.trace = r.one_in(3);
    compare_distances(c, "program " + std::to_string(seed));
  }
  compare_distances(filled(Nasbench201::proxy("3ps1n3"), 35, 3, false), "3ps1n3");
}

// What is counted and leads nowhere is computed for its signs, and changes no gradient: a
// convolution, norms of what is read by others, and a pool that an addition carries out.
void counted_beside() {
  Writer w({3, 7, 7});
  const int64_t stem = w.conv(0, 6, square(3, 1, 1), 1, false, true);
  const int64_t x = w.relu(w.norm(stem, true, true), true);
  w.relu(w.norm(stem, true, true), true);
  const int64_t pool = w.avg_pool(x, square(3, 1, 1), false);
  w.relu(pool, true);
  w.activation(w.norm(pool, true, false), engine::Function::relu6, true);
  w.activation(w.relu(w.conv(x, 6, square(5, 1, 2), 1, true, true)), engine::Function::silu, true);
  w.relu(w.max_pool(w.conv(pool, 6, square(3, 1, 1), 1, true, false), square(3, 2, 1)), true);
  const int64_t sum = w.add({w.conv(x, 6, square(3, 1, 1), 1, false, true), pool, x});
  w.linear(w.global_avg_pool(w.relu(sum, true)), 3, true, true);
  Case c = filled(w, 20, 3, false);
  compare_distances(c, "counted beside");
  std::vector<int64_t> found(c.n * c.n);
  engine_ntk_of<double>(c, cpu::kernels(), 1, serial_for, found.data());
  CHECK(largest(std::vector<double>(found.begin(), found.end())) > 0);
}

// Without anything counted no two images differ.
void nothing_counted() {
  Writer w({2, 3, 3});
  w.linear(w.relu(w.conv(0, 4, square(3, 1, 1), 1, true, true)), 2, true, false);
  const Case c = filled(w, 3, 2, false);
  compare_distances(c, "nothing counted");
  std::vector<int64_t> found(9, -1);
  engine_ntk_of<float>(c, cpu::kernels(), 1, serial_for, found.data());
  CHECK(found == std::vector<int64_t>(9, 0));
}

// Networks of the same weights share what they begin with; it changes no bit of their numbers,
// whatever the border of the stem's activation and whoever comes first.
void shared_stems() {
  std::vector<Case> cases;
  for (const char* ops : {"333333", "111nnn", "sssppp", "3s31p1", "111111"}) {
    cases.push_back(filled(Nasbench201::proxy(ops), 5, 3, false));
  }
  // Another stem at the place of the same weights, and one without a norm.
  for (const int64_t kernel : {3, 1}) {
    Writer w({3, 32, 32});
    int64_t x = w.conv(0, 3, square(kernel, 1, kernel / 2), 1, false, false);
    if (kernel == 1) x = w.norm(x, true, false);
    w.linear(w.global_avg_pool(w.conv(w.relu(x), 4, square(3, 2, 1), 1, true, true)), 10, true,
             false);
    cases.push_back(filled(w, 5, 3, false));
  }
  const auto most = std::max_element(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
    return a.params.size() < b.params.size();
  });
  const std::vector<float> params(most->params.begin(), most->params.end());
  const std::vector<float> x(cases[0].x.begin(), cases[0].x.end());
  const std::vector<float> y(cases[0].y.begin(), cases[0].y.end());
  std::vector<Reference> together(cases.size());
  std::vector<cpu::NtkJob<float>> jobs;
  for (size_t k = 0; k < cases.size(); ++k) {
    together[k].k_all.resize(25);
    together[k].k_cross.resize(15);
    jobs.push_back({&cases[k].program, params.data(), together[k].k_all.data(), nullptr,
                    together[k].k_cross.data(), nullptr});
  }
  for (const int64_t workers : {1, 3}) {
    cpu::NtkOptions options;
    options.workers = workers;
    cpu::engine_ntk<float>(cpu::kernels(), jobs, {x.data(), 5}, {y.data(), 3}, options,
                           threads_for);
    for (size_t k = 0; k < cases.size(); ++k) {
      Case alone = cases[k];
      alone.params = most->params, alone.x = cases[0].x, alone.y = cases[0].y;
      const Reference expected = engine_ntk_of<float>(alone, cpu::kernels());
      CHECK(together[k].k_all == expected.k_all);
      CHECK(together[k].k_cross == expected.k_cross);
    }
  }
}

}  // namespace

int main() {
  const RandomLimits small{10, 7, 8, 9, 3}, deep{30, 6, 6, 6, 2}, large{14, 17, 33, 31, 10};
  random_programs(0, 100, 7, 5, false, false, small);
  random_programs(1000, 60, 5, 3, true, false, small);
  random_programs(2000, 60, 3, 2, false, false, deep);
  random_programs(3000, 40, 3, 2, true, false, deep);
  random_programs(4000, 15, 3, 2, false, true, small);
  random_programs(5000, 10, 3, 2, true, true, small);
  random_programs(6000, 12, 1, 7, false, false, large);
  random_programs(7000, 3, 33, 1, false, false, {10, 9, 12, 9, 3});
  random_programs(8000, 2, 129, 7, false, false, {8, 5, 6, 7, 3});
  random_programs(9000, 4, 1, 1, true, false, large);
  nasbench201();
  pairs_of_pixels();
  degenerate();
  not_finite();
  threads_and_jobs();
  shared_stems();
  distances();
  counted_beside();
  nothing_counted();
  return finish("engine_ntk_test");
}
