// Kernels of random programs against the reference: every instruction, both derivatives of batch
// norm, all instruction sets, awkward sizes.
#include "engine_compare.h"

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

}  // namespace

int main() {
  const RandomLimits small{10, 7, 8, 9, 3};
  random_programs(0, 60, 7, 5, false, false, small);
  random_programs(100, 20, 5, 3, true, false, small);
  return finish("engine_ntk_test");
}
