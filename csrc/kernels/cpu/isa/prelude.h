// Standard headers that implementations need, included before the target switch (see simd.h).
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "../../parallel.h"
#include "../engine/executor.h"
#include "../kernels.h"
