// Which earlier tasks of a sweep a task has to wait for, from what it reads and writes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace tegnas::cuda::grouped {

// Tasks come in an order in which they could run one after the other. Resources are memory that is
// read and written as a whole, numbered from 0. A task reads before it writes.
class Waits {
 public:
  using Edge = std::pair<int32_t, int32_t>;  // an earlier task, and one that waits for it

  // Forgets everything but the memory.
  void clear() {
    users_.clear();
    readers_.clear();
    edges_.clear();
  }

  void read(int32_t task, int32_t resource) {
    Users& users = at(resource);
    if (users.writer >= 0) edges_.push_back({users.writer, task});
    readers_.push_back({task, users.last_reader});
    users.last_reader = static_cast<int32_t>(readers_.size()) - 1;
  }

  void write(int32_t task, int32_t resource) {
    Users& users = at(resource);
    if (users.writer >= 0) edges_.push_back({users.writer, task});
    for (int32_t r = users.last_reader; r >= 0; r = readers_[r].before) {
      if (readers_[r].task != task) edges_.push_back({readers_[r].task, task});
    }
    users = {task, -1};
  }

  // In the order of the tasks that wait.
  const std::vector<Edge>& edges() const { return edges_; }

 private:
  struct Users {
    int32_t writer = -1, last_reader = -1;  // since it was written
  };
  struct Reader {
    int32_t task, before;  // the reader before this one of the same resource
  };

  Users& at(int32_t resource) {
    if (resource >= static_cast<int32_t>(users_.size())) users_.resize(resource + 1);
    return users_[resource];
  }

  std::vector<Users> users_;
  std::vector<Reader> readers_;
  std::vector<Edge> edges_;
};

}  // namespace tegnas::cuda::grouped
