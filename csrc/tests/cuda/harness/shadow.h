// What is known about every four bytes of a block's shared memory: who wrote and read them last.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace tegnas::cuda::harness {

constexpr int kWarp = 32;

// When a thread did something: barriers of the block and of its warp that it had passed by then.
struct Moment {
  int32_t thread = -1;
  uint32_t barriers = 0;
  uint32_t warp_barriers = 0;
};

// Whether the barriers put `earlier` before `now`; without them the order is left to chance.
inline bool ordered(const Moment& earlier, const Moment& now) {
  if (earlier.thread < 0 || earlier.thread == now.thread) return true;
  if (earlier.barriers < now.barriers) return true;
  return earlier.thread / kWarp == now.thread / kWarp && earlier.warp_barriers < now.warp_barriers;
}

// Shuffles and ballots order no memory, as CUDA says; only __syncwarp and __syncthreads do.
class Shadow {
 public:
  enum class Access { read, write, atomic };

  void clear() { cells_.clear(); }
  void grow(size_t bytes) { cells_.resize((bytes + 3) / 4); }

  // The problem with this access, empty if there is none.
  std::string access(size_t offset, size_t bytes, Access kind, const Moment& now) {
    for (size_t cell = offset / 4; cell < (offset + bytes + 3) / 4; ++cell) {
      std::string problem = one(cells_[cell], kind, now);
      if (!problem.empty()) return problem;
    }
    return {};
  }

 private:
  struct Cell {
    Moment write;
    Moment read;    // the last one since that write
    Moment before;  // the latest of the reads before it
    bool written = false, by_atomic = false;
  };

  static std::string one(Cell& cell, Access kind, const Moment& now) {
    if (kind != Access::write && !cell.written) {
      return "reads shared memory that nothing was written to";
    }
    const bool both_atomic = kind == Access::atomic && cell.by_atomic;
    if (cell.written && !both_atomic && !ordered(cell.write, now)) {
      return "race in shared memory: no barrier since thread " + std::to_string(cell.write.thread) +
             " wrote there";
    }
    if (kind == Access::read) {
      if (cell.read.thread >= 0 && cell.read.thread != now.thread) cell.before = cell.read;
      cell.read = now;
      return {};
    }
    for (const Moment* read : {&cell.read, &cell.before}) {
      if (!ordered(*read, now)) {
        return "race in shared memory: no barrier since thread " + std::to_string(read->thread) +
               " read there";
      }
    }
    cell.write = now;
    cell.read = cell.before = Moment{};
    cell.written = true;
    cell.by_atomic = kind == Access::atomic;
    return {};
  }

  std::vector<Cell> cells_;
};

}  // namespace tegnas::cuda::harness
