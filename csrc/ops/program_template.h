// Programs of many architectures from one template; on the CPU, before any operator is called.
#pragma once

#include <cstdint>
#include <functional>

#include "ops/words.h"

namespace tegnas {

// Options of architectures, (programs, edges).
struct Choices {
  const int64_t* data;
  int64_t programs, edges;
};

// Memory of the caller for so many words.
using Room = std::function<int64_t*(int64_t count)>;

// All programs one after the other, and where each begins. Raises ValueError in one sentence. See
// tegnas.engine.template.
void write_programs(Words words, const Choices& choices, int64_t parameters, const Room& code,
                    const Room& offsets);

}  // namespace tegnas
