// What the engine would launch on a GPU for given programs; needs no GPU.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ops/words.h"

namespace tegnas {

// Sweep, kernel, tasks, blocks, bytes, floating-point operations.
using Launch = std::tuple<std::string, std::string, int64_t, int64_t, double, double>;

// See tegnas.ops.engine_plan.
std::vector<Launch> engine_plan(const std::vector<std::vector<int64_t>>& codes,
                                const std::vector<int64_t>& jobs, int64_t images, int64_t others,
                                bool coupled, int64_t memory);

// All that the host does for one call before the device can finish it, but for copying to the
// device: launches, and bytes of descriptors. Frozen statistics, one batch. See
// tegnas.ops.prepare_launches.
std::pair<int64_t, int64_t> prepare_launches(Words code, Words offsets, Words job_programs,
                                             int64_t images, bool regions, int64_t memory);

}  // namespace tegnas
