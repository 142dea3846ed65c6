#include "begin_portable.h"
//
#include "implementations.h"
//
#include "end_target.h"
