// Whether the machine has the memory that a call would take.
#pragma once

#include <cstdint>

#include "kernels/checked.h"

namespace tegnas {

// Bytes that this process may have: the machine's, or what its container was given of them.
int64_t machine_memory();

// Throws std::invalid_argument, with both numbers, where it doesn't. A system that lends more
// memory than it has would otherwise end the process later, without a word.
void check_machine_has(Checked bytes);

}  // namespace tegnas
