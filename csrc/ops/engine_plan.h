// What the engine would launch on a GPU for given programs; needs no GPU.
#pragma once

#include <pybind11/pybind11.h>

namespace tegnas {

// engine_plan(codes, jobs, images, others, coupled, memory): see tegnas.ops.engine_plan.
// prepare_launches(code, offsets, jobs, images, regions, memory): see tegnas.ops.prepare_launches.
void define_engine_plan(pybind11::module_& m);

}  // namespace tegnas
