// Back to the target of the build, after one of begin_*.h.
#ifdef TEGNAS_TARGET
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
