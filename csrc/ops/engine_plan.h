// What the engine would launch on a GPU for given programs; needs no GPU.
#pragma once

#include <pybind11/pybind11.h>

namespace tegnas {

// engine_plan(codes, jobs, images, others, coupled): see tegnas.ops.engine_plan.
void define_engine_plan(pybind11::module_& m);

}  // namespace tegnas
