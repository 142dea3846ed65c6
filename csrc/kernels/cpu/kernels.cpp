#include "kernels.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace tegnas::cpu {

namespace portable {
extern const Kernels table;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
#endif

namespace {

const Kernels& choose() {
  if (const char* wanted = std::getenv("TEGNAS_SIMD"); wanted && *wanted) {
    if (const Kernels* found = kernels_for(wanted)) return *found;
    throw std::runtime_error(std::string("TEGNAS_SIMD=") + wanted +
                             " is not available on this machine; use avx512, avx2 or portable, or "
                             "unset it to let tegnas choose.");
  }
  for (const char* isa : {"avx512", "avx2"}) {
    if (const Kernels* found = kernels_for(isa)) return *found;
  }
  return portable::table;
}

}  // namespace

const Kernels* kernels_for(const char* isa) {
  if (std::strcmp(isa, "portable") == 0) return &portable::table;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (std::strcmp(isa, "avx2") == 0 && __builtin_cpu_supports("avx2") &&
      __builtin_cpu_supports("fma")) {
    return &avx2::table;
  }
  if (std::strcmp(isa, "avx512") == 0 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    return &avx512::table;
  }
#endif
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace tegnas::cpu
