// Which earlier tasks of a sweep a task has to wait for, from what it reads and writes.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace tegnas::grouped {

class Waits {
 public:
  // A kind of memory and where in it.
  using Resource = std::pair<char, int64_t>;

  // Of task `task`; the tasks come in an order in which they could run one after the other.
  std::vector<int32_t> of(int32_t task, const std::vector<Resource>& reads,
                          const std::vector<Resource>& writes) {
    std::vector<int32_t> after;
    for (const Resource& r : reads) {
      Users& users = users_[r];
      if (users.writer >= 0) after.push_back(users.writer);
      users.readers.push_back(task);
    }
    for (const Resource& w : writes) {
      Users& users = users_[w];
      if (users.writer >= 0) after.push_back(users.writer);
      for (int32_t reader : users.readers) {
        if (reader != task) after.push_back(reader);
      }
      users = {task, {}};
    }
    return after;
  }

 private:
  struct Users {
    int32_t writer = -1;
    std::vector<int32_t> readers;  // since it was written
  };
  std::map<Resource, Users> users_;
};

}  // namespace tegnas::grouped
