#include "kernels/machine_memory.h"

#include <cmath>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tegnas {
namespace {

int64_t machine_memory() {
#if defined(_SC_PHYS_PAGES)
  static const int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  if (bytes > 0) return bytes;
#endif
  return std::numeric_limits<int64_t>::max();
}

std::string gibibytes(int64_t bytes) {
  return std::to_string(std::llround(std::ceil(static_cast<double>(bytes) * 0x1p-30))) + " GiB";
}

}  // namespace

void check_machine_has(Checked bytes) {
  if (bytes.value() <= machine_memory()) return;
  throw std::invalid_argument("this needs " + gibibytes(bytes.value()) +
                              " of memory at once and the machine has " +
                              gibibytes(machine_memory()) + "; give fewer or smaller images.");
}

}  // namespace tegnas
