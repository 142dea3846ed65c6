// Every instruction and every function against the reference, for every instruction set; and what
// the programs of the samples hold, so that none is forgotten.
#include <algorithm>

#include "engine_compare.h"
#include "engine_samples.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

void every_instruction() {
  for (const Sample& sample : sample_networks()) {
    const engine::Program program = sample.writer.program();
    CHECK_SAY(std::any_of(program.instructions.begin(), program.instructions.end(),
                          [&](const engine::Instruction& i) { return i.op == sample.op; }),
              sample.name + " is not in its sample");
    for (const bool coupled : {false, true}) {
      Random r(7);
      Case c;
      c.program = program;
      c.params = r.normals(sample.writer.parameters(), 0.5);
      c.n = 9;
      c.ny = 3;
      c.x = r.normals(c.n * sample.writer.shape(0).size(), 1);
      c.y = r.normals(c.ny * sample.writer.shape(0).size(), 1);
      c.coupled = coupled;
      compare(c, sample.name, 1e-4);
    }
  }
}

// Inputs spread so that every piece of every function is met.
void every_pattern() {
  for (const Sample& sample : sample_networks()) {
    const engine::Program program = sample.writer.program();
    Random r(8);
    const std::vector<double> params = r.normals(sample.writer.parameters(), 0.5);
    std::vector<double> images = r.normals(35 * sample.writer.shape(0).size(), 2);
    std::copy_n(images.begin(), images.size() / 5, images.begin() + images.size() / 2);
    const int64_t expected = reference_regions(program, params, {images});
    const cpu::Images<double> batch{images.data(), 35};
    for (const char* isa : kInstructionSets) {
      const cpu::Kernels* kernels = cpu::kernels_for(isa);
      if (kernels == nullptr) continue;
      const int64_t found = cpu::engine_regions<double>(*kernels, {{&program, params.data()}},
                                                        {{batch}}, 1, serial_for)[0];
      CHECK_SAY(found == expected, sample.name + ", " + isa + ": " + std::to_string(found) +
                                       " regions, expected " + std::to_string(expected));
    }
  }
}

}  // namespace

int main() {
  every_instruction();
  every_pattern();
  return finish("engine_instructions_test");
}
