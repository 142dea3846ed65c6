// Arenas of several threads together stay within the machine's memory.

#include "kernels/cpu/engine/arena.h"

#include <stdexcept>

#include "check.h"
#include "kernels/machine_memory.h"

namespace tegnas::test {
namespace {

bool fits(cpu::Arena& arena, int64_t bytes) {
  try {
    arena.reset(bytes);  // reserved, never written to
  } catch (const std::invalid_argument&) {
    return false;
  }
  return true;
}

void arenas_count_together() {
  const int64_t most = machine_memory() / 8 * 5;
  cpu::Arena second;
  {
    cpu::Arena first;
    CHECK(fits(first, most));
    CHECK(fits(first, most));  // what it has already is enough
    CHECK(!fits(second, most));
  }
  CHECK(fits(second, most));
  second = cpu::Arena();
  CHECK(fits(second, most));
}

}  // namespace
}  // namespace tegnas::test

int main() {
#if !defined(__SANITIZE_ADDRESS__)  // which would write a shadow of what is only reserved
  tegnas::test::arenas_count_together();
#endif
  return tegnas::test::finish("arena_test");
}
