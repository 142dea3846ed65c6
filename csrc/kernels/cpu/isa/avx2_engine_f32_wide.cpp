#if defined(__x86_64__)

#include "begin_avx2.h"
//
#include "engine_f32_wide.h"
//
#include "end_target.h"

#endif  // __x86_64__
