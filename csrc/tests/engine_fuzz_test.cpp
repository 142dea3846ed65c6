// Random programs against the reference for a bounded time:
//   engine_fuzz_test [seconds [first seed]], or TEGNAS_FUZZ_SECONDS; 5 seconds without either.
#include <chrono>
#include <cstdlib>

#include "engine_compare.h"

using namespace tegnas;
using namespace tegnas::test;

int main(int argc, char** argv) {
  const char* wanted = argc > 1 ? argv[1] : std::getenv("TEGNAS_FUZZ_SECONDS");
  const double seconds = wanted != nullptr ? std::atof(wanted) : 5;
  uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100000;
  const auto begin = std::chrono::steady_clock::now();
  int64_t programs = 0;
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() <
             seconds &&
         failures() == 0) {
    Random r(seed);
    RandomLimits limits;
    limits.instructions = r.between(2, 30);
    limits.channels = r.one_in(3) ? 17 : 6;
    limits.height = limits.width = r.one_in(4) ? 20 : 7;
    const int64_t n = r.one_in(5) ? r.between(1, 20) : r.between(1, 5);
    Case c = random_case(r, limits, n, r.between(0, 4));
    c.coupled = r.one_in(3);
    c.trace = r.one_in(4);
    // A float32 number that falls on the other side of a ReLU changes a little of a kernel;
    // a mistake changes much of it.
    compare(c, "seed " + std::to_string(seed), 3e-2);
    ++programs;
    ++seed;
  }
  std::printf("%ld programs, up to seed %lu\n", static_cast<long>(programs),
              static_cast<unsigned long>(seed - 1));
  return finish("engine_fuzz_test");
}
