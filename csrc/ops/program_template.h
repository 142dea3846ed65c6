// Programs of many architectures from one template; on the CPU, before any operator is called.
#pragma once

#include <pybind11/pybind11.h>

namespace tegnas {

// write_programs(words, options, parameters): see tegnas.engine.template.
void define_program_template(pybind11::module_& m);

}  // namespace tegnas
