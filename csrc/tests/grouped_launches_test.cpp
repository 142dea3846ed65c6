// The launches that many programs share: complete, in order, and few.
#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "engine_random.h"
#include "kernels/cuda/grouped/launches.h"
#include "kernels/cuda/grouped/schedule.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::cuda::grouped;
using namespace tegnas::test;
using engine::Purpose;

namespace {

using Sweeps = std::vector<const Steps*>;

Sweeps sweeps_of(const std::vector<Tasks>& programs, Steps Outline::* sweep) {
  Sweeps sweeps;
  for (const Tasks& tasks : programs) sweeps.push_back(&(tasks.*sweep));
  return sweeps;
}

std::vector<Launch> launches_of(const Sweeps& sweeps) {
  std::vector<Launch> launches;
  plan_launches(sweeps, [&](const Launch& launch) { launches.push_back(launch); });
  return launches;
}

// What is known of tasks without reading them is what they say.
void expect_fits(const Tasks& program) {
  std::multiset<int32_t> found;
  for (const Step& step : program.forward.list) {
    const Task& task = program.list[step.task];
    CHECK(step.work.kernel == kernel_of(task.kind) && task.parts != 0);
    for (int32_t part = 0; part < task.parts; ++part) found.insert(step.task + part);
  }
  for (const Step& step : program.backward.list) {
    CHECK(step.work.kernel == kernel_of(kind_in(step.work.kernel, program.list[step.task])));
  }
  // Forward every task once; the last one begins the sweep back.
  const size_t forward = program.list.size() - (program.backward.size() > 0 ? 1 : 0);
  for (size_t k = 0; k < forward; ++k) CHECK(found.count(static_cast<int32_t>(k)) == 1);
}

// Every task once, in a launch of its kernel, after all that it waits for.
void expect_complete(const Sweeps& sweeps, const std::vector<Launch>& launches) {
  std::vector<std::vector<int>> launch_of;
  for (const auto* sweep : sweeps) launch_of.emplace_back(sweep->size(), -1);
  for (size_t l = 0; l < launches.size(); ++l) {
    CHECK(!launches[l].members.empty());
    for (const Member& m : launches[l].members) {
      CHECK(sweeps[m.program]->list[m.step].work.kernel == launches[l].kernel);
      CHECK(launch_of[m.program][m.step] == -1);
      launch_of[m.program][m.step] = static_cast<int>(l);
    }
  }
  for (size_t p = 0; p < sweeps.size(); ++p) {
    const Steps& sweep = *sweeps[p];
    for (size_t k = 0; k < sweep.list.size(); ++k) {
      const Step& step = sweep.list[k];
      CHECK(launch_of[p][k] != -1);
      for (int32_t f = step.follower; f < step.follower + step.followers; ++f) {
        CHECK(launch_of[p][k] < launch_of[p][sweep.followers[f]]);
      }
    }
  }
}

void random_programs() {
  for (const Purpose purpose : {Purpose::frozen, Purpose::coupled, Purpose::regions}) {
    std::vector<Tasks> programs;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      Random random(seed);
      const Writer writer = random_program(random, {12, 6, 7, 7, 3});
      programs.push_back(emit_tasks(writer.program(), purpose));
      expect_fits(programs.back());
    }
    for (const auto sweep : {&Outline::forward, &Outline::backward}) {
      const Sweeps sweeps = sweeps_of(programs, sweep);
      expect_complete(sweeps, launches_of(sweeps));
    }
  }
}

bool same(const Place& a, const Place& b) {
  return a.at == b.at && a.c == b.c && a.h == b.h && a.w == b.w;
}

bool same(const Task& a, const Task& b) {
  return a.kind == b.kind && a.gradient == b.gradient && a.rows == b.rows && a.first == b.first &&
         same(a.in.place, b.in.place) && a.in.norm == b.in.norm && a.in.relu == b.in.relu &&
         same(a.out, b.out) && a.grad.at == b.grad.at && a.grad.norm == b.grad.norm &&
         a.into == b.into && same(a.other.place, b.other.place) && a.weight == b.weight &&
         a.bias == b.bias && a.channel == b.channel && a.parts == b.parts && a.row == b.row &&
         a.word == b.word;
}

bool same(const std::vector<Task>& a, const std::vector<Task>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Task& x, const Task& y) { return same(x, y); });
}

bool same(const Steps& a, const Steps& b) {
  const auto steps = [](const Step& x, const Step& y) {
    return x.work.kernel == y.work.kernel && x.work.units == y.work.units && x.waits == y.waits &&
           x.ahead == y.ahead && x.follower == y.follower && x.followers == y.followers &&
           x.task == y.task;
  };
  return a.followers == b.followers &&
         std::equal(a.list.begin(), a.list.end(), b.list.begin(), b.list.end(), steps);
}

// What was written into the same memory before makes no difference.
void memory_that_is_used_again() {
  engine::Program program;
  Scratch scratch;
  Tasks again;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (const Purpose purpose : {Purpose::frozen, Purpose::coupled, Purpose::regions}) {
      Random random(seed);
      const std::vector<int64_t> words = random_program(random, {12, 6, 7, 7, 3}).words();
      const auto count = static_cast<int64_t>(words.size());
      const Tasks fresh = emit_tasks(engine::parse_program(words.data(), count), purpose);
      engine::parse_program(words.data(), count, program);
      emit_tasks(program, purpose, scratch, again);
      CHECK(same(fresh.forward, again.forward) && same(fresh.backward, again.backward));
      CHECK(same(fresh.list, again.list) && fresh.largest == again.largest);
      CHECK(same(fresh.logits.place, again.logits.place) && fresh.rows == again.rows);
      CHECK(fresh.value_size == again.value_size && fresh.gradient_size == again.gradient_size);
      CHECK(fresh.searched_rows == again.searched_rows && fresh.words == again.words);
    }
  }
}

std::vector<Tasks> architectures(int count, Purpose purpose) {
  std::vector<Tasks> programs;
  Random random(1);
  for (int k = 0; k < count; ++k) {
    std::string ops;
    for (int edge = 0; edge < 6; ++edge) ops += "ns13p"[random.between(0, 4)];
    programs.push_back(emit_tasks(Nasbench201::proxy(ops).program(), purpose));
  }
  return programs;
}

// All tasks one after the other: each program's begin where those before it end.
void numbers() {
  const std::vector<Tasks> programs = architectures(3, Purpose::frozen);
  const std::vector<int64_t> first = number_tasks(programs);
  CHECK(first.size() == 4 && first[0] == 0);
  for (size_t p = 0; p < programs.size(); ++p) {
    CHECK(first[p + 1] - first[p] == static_cast<int64_t>(programs[p].list.size()));
  }
}

size_t count_launches(const std::vector<Tasks>& programs) {
  return launches_of(sweeps_of(programs, &Outline::forward)).size() +
         launches_of(sweeps_of(programs, &Outline::backward)).size();
}

// The number of launches hardly grows with that of the architectures.
void few() {
  const size_t ten = count_launches(architectures(10, Purpose::frozen));
  const size_t hundreds = count_launches(architectures(300, Purpose::frozen));
  CHECK_SAY(ten <= 90, std::to_string(ten));
  CHECK_SAY(hundreds <= 100, std::to_string(hundreds));
}

// Of all rows of weights there are two launches, at the end.
void rows_last() {
  const std::vector<Tasks> programs = architectures(20, Purpose::frozen);
  const auto launches = launches_of(sweeps_of(programs, &Outline::backward));
  const auto is_rows = [](const Launch& l) {
    return l.kernel == Kernel::conv_rows || l.kernel == Kernel::rows;
  };
  CHECK(std::count_if(launches.begin(), launches.end(), is_rows) == 2);
  CHECK(is_rows(launches[launches.size() - 1]) && is_rows(launches[launches.size() - 2]));
}

// A sum of convolutions hands its gradient on: nothing is written between it and their rows.
void gradients_that_are_views() {
  Writer w({3, 8, 8});
  const auto branch = [&] {
    return w.norm(w.conv(0, 4, square(3, 1, 1), 1, false, true), true, true);
  };
  const int64_t first = branch(), second = branch();
  w.linear(w.global_avg_pool(w.add({first, second})), 5, true, false);
  const auto kinds = [&](Purpose purpose) {
    std::multiset<Kind> found;
    const Tasks program = emit_tasks(w.program(), purpose);
    for (const Step& step : program.backward.list) {
      found.insert(kind_in(step.work.kernel, program.list[step.task]));
    }
    return found;
  };
  CHECK((kinds(Purpose::frozen) == std::multiset<Kind>{Kind::seed, Kind::linear_grad,
                                                       Kind::global_avg_pool_grad, Kind::conv_rows,
                                                       Kind::conv_rows, Kind::norm_rows,
                                                       Kind::norm_rows, Kind::linear_rows}));
  const auto coupled = kinds(Purpose::coupled);
  CHECK(coupled.count(Kind::sum_grad) == 0);
  CHECK(coupled.count(Kind::norm_sums) == 2 && coupled.count(Kind::norm_grad) == 2);
}

// What 32 bits don't count is refused, be it the numbers of a value or the rows of its weights.
void too_large() {
  const auto planned = [](int64_t images, int64_t features) {
    Writer w({1, 64, 64});
    w.linear(0, features, true, false);
    const Tasks tasks = emit_tasks(w.program(), Purpose::frozen);
    try {
      make_schedule({{&tasks, 0, {images, 1, false}}}, serial_for);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what()).find("2^31") == std::string::npos;
    }
    return true;
  };
  CHECK(planned(64, 1000));
  CHECK(!planned(1 << 20, 10));     // 2^32 numbers
  CHECK(!planned(64, 300 * 1000));  // 2.4 · 10^9 warps of rows
}

}  // namespace

int main() {
  random_programs();
  memory_that_is_used_again();
  numbers();
  too_large();
  few();
  rows_last();
  gradients_that_are_views();
  return finish("grouped_launches_test");
}
