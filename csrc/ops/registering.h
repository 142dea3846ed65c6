// How an operator becomes one of torch's. A single function checks the operands and goes on to the
// kernels of the device that they lie on; it is registered for every device this build has.
#pragma once

#include <torch/csrc/stable/library.h>

#define TEGNAS_IMPLEMENT_FOR(device, name) \
  STABLE_TORCH_LIBRARY_IMPL(tegnas, device, m) { m.impl(#name, TORCH_BOX(&name)); }

#ifdef TEGNAS_WITH_CUDA
#include "ops/cuda/operators.h"
#define TEGNAS_IMPLEMENT(name)    \
  TEGNAS_IMPLEMENT_FOR(CPU, name) \
  TEGNAS_IMPLEMENT_FOR(CUDA, name)
// Where the tensor lies on a GPU, ends the operator with a call from ops/cuda/operators.h.
#define TEGNAS_ON_CUDA(tensor, result, call) \
  do {                                       \
    if ((tensor).is_cuda()) {                \
      on_cuda::call;                         \
      return result;                         \
    }                                        \
  } while (false)
#else
#define TEGNAS_IMPLEMENT(name) TEGNAS_IMPLEMENT_FOR(CPU, name)
#define TEGNAS_ON_CUDA(tensor, result, call)
#endif
