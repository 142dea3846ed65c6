// torch's thread pool as the ParallelFor that kernels ask for.
#pragma once

#include "kernels/parallel.h"

namespace tegnas {

// Serial in a child that was forked after a call had used the pool: its threads stayed behind in
// the parent, and the child would wait for them for ever.
void torch_parallel_for(int64_t count, const std::function<void(int64_t, int64_t)>& body);

// Whether this process is such a child.
bool pool_stayed_behind();

// How many threads work at once: one in such a child.
int64_t thread_count();

}  // namespace tegnas
