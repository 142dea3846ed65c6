#include "kernels/cpu/engine/arena.h"

#include <algorithm>
#include <new>

namespace tegnas::cpu {
namespace {

constexpr int64_t kKept = int64_t{256} << 20;

}  // namespace

void Arena::Free::operator()(char* memory) const {
  ::operator delete(memory, std::align_val_t(kLine));
}

void Arena::reset(int64_t bytes) {
  used_ = 0;
  bytes = std::max<int64_t>(bytes, kLine);  // never null
  if (bytes <= size_) return;
  memory_.reset();
  size_ = 0;
  memory_.reset(static_cast<char*>(::operator new(bytes, std::align_val_t(kLine))));
  size_ = bytes;
}

Arena& thread_arena() {
  thread_local Arena arena;
  return arena;
}

void trim_thread_arena() {
  Arena& arena = thread_arena();
  if (arena.size() > kKept) arena = Arena();
}

}  // namespace tegnas::cpu
