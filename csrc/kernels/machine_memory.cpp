#include "kernels/machine_memory.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tegnas {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

int64_t physical_memory() {
#if defined(_SC_PHYS_PAGES)
  const int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  if (bytes > 0) return bytes;
#endif
  return kUnlimited;
}

// What a container may take, by control groups of version 2 or 1; a process that takes more is
// ended.
int64_t container_memory() {
  int64_t least = kUnlimited;
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    int64_t bytes = 0;  // stays so where the file says "max" or isn't there
    if (file >> bytes && bytes > 0) least = std::min(least, bytes);
  }
  return least;
}

std::string gibibytes(int64_t bytes) {
  return std::to_string(std::llround(std::ceil(static_cast<double>(bytes) * 0x1p-30))) + " GiB";
}

}  // namespace

int64_t machine_memory() {
  static const int64_t bytes = std::min(physical_memory(), container_memory());
  return bytes;
}

void check_machine_has(Checked bytes) {
  if (bytes.value() <= machine_memory()) return;
  throw std::invalid_argument("this needs " + gibibytes(bytes.value()) +
                              " of memory at once and the machine has " +
                              gibibytes(machine_memory()) + "; give fewer or smaller images.");
}

}  // namespace tegnas
