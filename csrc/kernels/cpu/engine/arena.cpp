#include "kernels/cpu/engine/arena.h"

#include <algorithm>
#include <atomic>
#include <new>

#include "kernels/machine_memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tegnas::cpu {
namespace {

constexpr int64_t kKept = int64_t{256} << 20;
// Large blocks ask for large pages: a sweep walks through more 4 KiB pages than the TLB holds.
constexpr int64_t kLargePage = int64_t{2} << 20;

// What all arenas have: those of other threads take memory as well.
std::atomic<int64_t> held{0};

// Counts memory as held where the machine has it.
void claim(int64_t bytes) {
  try {
    check_machine_has(Checked(held.fetch_add(bytes)) + bytes);
  } catch (...) {
    held -= bytes;
    throw;
  }
}

int64_t alignment_for(int64_t bytes) { return bytes >= kLargePage ? kLargePage : 64; }

}  // namespace

void Arena::Free::operator()(char* memory) const {
  ::operator delete(memory, std::align_val_t(alignment));
  held -= bytes;
}

void Arena::reset(int64_t bytes) {
  used_ = 0;
  bytes = std::max<int64_t>(bytes, kLine);  // never null
  if (bytes <= size_) return;
  memory_.reset();
  size_ = 0;
  const int64_t alignment = alignment_for(bytes);
  bytes = checked_divide_up(bytes, alignment) * alignment;
  claim(bytes);
  void* memory = ::operator new(bytes, std::align_val_t(alignment), std::nothrow);
  if (memory == nullptr) {
    held -= bytes;
    throw std::bad_alloc();
  }
  memory_ = std::unique_ptr<char, Free>(static_cast<char*>(memory), Free{alignment, bytes});
#if defined(MADV_HUGEPAGE)
  if (alignment == kLargePage) madvise(memory_.get(), bytes, MADV_HUGEPAGE);
#endif
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
