// What follows is compiled for any machine. The file ends with end_target.h.
#include "prelude.h"

#define TEGNAS_ISA portable
#define TEGNAS_VECTOR_BYTES 16
#define TEGNAS_WIDE_ISA portable  // has none
