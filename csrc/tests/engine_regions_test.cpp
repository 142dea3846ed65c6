// Region counts against the reference: exact, over batches with statistics of their own.
#include "engine_compare.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

using Batches = std::vector<std::vector<double>>;

template <typename T>
int64_t count(const engine::Program& program, const std::vector<double>& wide_params,
              const Batches& wide, const cpu::Kernels& kernels) {
  const std::vector<T> params(wide_params.begin(), wide_params.end());
  std::vector<std::vector<T>> data;
  std::vector<cpu::Images<T>> batches;
  for (const std::vector<double>& batch : wide) data.emplace_back(batch.begin(), batch.end());
  const int64_t size = program.shapes[0].size();
  for (const std::vector<T>& batch : data) {
    batches.push_back({batch.data(), static_cast<int64_t>(batch.size()) / size});
  }
  return cpu::engine_regions<T>(kernels, {{&program, params.data()}}, {batches}, 1, serial_for)[0];
}

void compare_counts(const Writer& writer, const Batches& batches, const std::string& name,
                    Random& r) {
  const engine::Program program = writer.program();
  const std::vector<double> params = r.normals(writer.parameters(), 0.5);
  const int64_t expected = reference_regions(program, params, batches);
  for (const char* isa : kInstructionSets) {
    const cpu::Kernels* kernels = cpu::kernels_for(isa);
    if (kernels == nullptr) continue;
    const int64_t wide = count<double>(program, params, batches, *kernels);
    CHECK_SAY(wide == expected, name + ", " + isa + ": " + std::to_string(wide) +
                                    " regions, expected " + std::to_string(expected));
    // In float32 a number within rounding of zero may fall on the other side.
    const int64_t narrow = count<float>(program, params, batches, *kernels);
    CHECK_SAY(std::abs(narrow - expected) <= 1 + expected / 100,
              name + ", " + isa + ", float32: " + std::to_string(narrow));
  }
}

void random_programs() {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random r(seed);
    const Writer writer = random_program(r, {10, 6, 5, 5, 3});
    const int64_t size = writer.shape(0).size();
    Batches batches;
    // Images repeat, so that patterns do.
    for (const int64_t n : {33, 1, 7}) {
      std::vector<double> batch = r.normals(n * size, 1);
      for (int64_t i = 1; i < n; i += 2) std::copy_n(batch.begin(), size, batch.begin() + i * size);
      batches.push_back(batch);
    }
    compare_counts(writer, batches, "program " + std::to_string(seed), r);
  }
}

void thin_networks() {
  for (const char* ops : {"333333", "1s3p1n", "nnnnnn", "ssssss"}) {
    Random r(11);
    Batches batches;
    for (int k = 0; k < 3; ++k) batches.push_back(r.normals(300 * 9, 1));
    compare_counts(Nasbench201::thin(ops), batches, ops, r);
  }
}

void many_words() {
  Writer w({1, 5, 5});
  w.relu(w.conv(0, 17, square(3, 1, 1), 1, true, false), true);
  Random r(5);
  compare_counts(w, {r.normals(40 * 25, 1), r.normals(20 * 25, 1)}, "425 bits", r);
}

void nothing_counted() {
  Writer w({1, 3, 3});
  w.relu(0, false);
  Random r(5);
  compare_counts(w, {r.normals(90, 1)}, "nothing counted", r);
  const engine::Program program = w.program();
  CHECK(count<float>(program, {}, {}, cpu::kernels()) == 0);
}

}  // namespace

int main() {
  random_programs();
  thin_networks();
  many_words();
  nothing_counted();
  return finish("engine_regions_test");
}
