// Words of programs, options or offsets that the caller owns.
#pragma once

#include <cstdint>

namespace tegnas {

struct Words {
  const int64_t* data;
  int64_t count;
};

}  // namespace tegnas
