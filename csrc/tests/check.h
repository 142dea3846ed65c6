// What the C++ tests use in place of a framework: checks that print where they fail, and a count.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace tegnas::test {

inline int& failures() {
  static int count = 0;
  return count;
}

inline void report(bool ok, const char* file, int line, const std::string& what) {
  if (ok) return;
  ++failures();
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what.c_str());
}

// The exit status of a test's main.
inline int finish(const char* name) {
  if (failures() == 0) {
    std::printf("%s: ok\n", name);
    return 0;
  }
  std::printf("%s: %d checks failed\n", name, failures());
  return 1;
}

}  // namespace tegnas::test

#define CHECK(condition) ::tegnas::test::report(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_SAY(condition, message)                       \
  ::tegnas::test::report(!!(condition), __FILE__, __LINE__, \
                         std::string(#condition ": ") + (message))
