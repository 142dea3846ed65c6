#include "prelude.h"

#define TEGNAS_ISA portable
#define TEGNAS_VECTOR_BYTES 16
#include "implementations.h"
