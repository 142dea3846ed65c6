// The CPU kernels as a table of functions, one table per instruction set, chosen at run time.
#pragma once

namespace tegnas::cpu {

struct Kernels {
  const char* isa;  // "avx512", "avx2" or "portable"
};

// The table for the best instruction set of this machine; the environment variable TEGNAS_SIMD
// (avx512, avx2, portable) lowers it. Throws std::runtime_error where TEGNAS_SIMD names an
// unknown set or one that this machine lacks.
const Kernels& kernels();

// The table of one named set, or null where this machine or build lacks it.
const Kernels* kernels_for(const char* isa);

}  // namespace tegnas::cpu
