// Where the time of a sweep goes.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Adds the time since construction or since the last end() to a phase; costs one test of a
// pointer where nobody asks.
class Phase {
 public:
  explicit Phase(int64_t* counters) : counters_(counters) {
    if (counters_ != nullptr) begin_ = engine_nanoseconds();
  }
  void end(EnginePhase phase) {
    if (counters_ == nullptr) return;
    const int64_t now = engine_nanoseconds();
    counters_[static_cast<int>(phase)] += now - begin_;
    begin_ = now;
  }

 private:
  int64_t* counters_;
  int64_t begin_ = 0;
};

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
