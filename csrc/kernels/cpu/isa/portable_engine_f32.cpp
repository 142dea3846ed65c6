#include "begin_portable.h"
//
#include "engine_f32.h"
//
#include "end_target.h"
