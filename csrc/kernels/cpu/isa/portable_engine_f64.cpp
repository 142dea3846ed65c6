#include "begin_portable.h"
//
#include "engine_f64.h"
//
#include "end_target.h"
