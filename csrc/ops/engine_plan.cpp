#include "ops/engine_plan.h"

#include <algorithm>

#include "kernels/cuda/engine/memory.h"
#include "kernels/cuda/grouped/schedule.h"
#include "ops/engine_jobs.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

using cuda::grouped::Cost;
using cuda::grouped::Group;

Launch gram_launch(const std::vector<cuda::grouped::Passage>& passages, size_t jobs, int64_t left,
                   int64_t right, bool cross) {
  constexpr int64_t kGramTile = 64;
  Cost cost;
  for (size_t job = 0; job < jobs; ++job) {
    const cuda::grouped::Outline& tasks = *passages[job].tasks;
    const double rows = static_cast<double>(cross ? tasks.searched_rows : tasks.rows);
    cost.bytes += rows * (cross ? left + right : left) * sizeof(float) +
                  (cross ? 1.0 : 2.0) * left * right * sizeof(double);
    cost.flops += 2 * rows * left * right;
  }
  const int64_t tiles =
      cuda::grouped::divide_up(left, kGramTile) * cuda::grouped::divide_up(right, kGramTile);
  const auto count = static_cast<int64_t>(jobs);
  return {"gram", cross ? "cross kernel" : "kernels", count, count * tiles, cost.bytes, cost.flops};
}

// The launches of one sweep, with the costs of their tasks added up.
void append(std::vector<Launch>& launches, const char* sweep,
            const cuda::grouped::Launches& planned,
            const std::vector<cuda::grouped::Passage>& passages,
            const std::vector<cuda::grouped::Task>& tasks) {
  for (const Group& group : planned.groups) {
    Cost sum;
    for (int64_t e = group.first_entry; e < group.first_entry + group.entries; ++e) {
      const cuda::grouped::Entry& entry = planned.entries[e];
      const cuda::grouped::Kind kind = kind_in(group.kernel, tasks[entry.task]);
      // Back each part has a step of its own.
      const bool whole = kind == tasks[entry.task].kind;
      for (int32_t part = 0; part < (whole ? tasks[entry.task].parts : 1); ++part) {
        const Cost cost =
            cost_of(tasks[entry.task + part], kind, passages[entry.unit].extent, sizeof(float));
        sum.bytes += entry.units * cost.bytes;
        sum.flops += entry.units * cost.flops;
      }
    }
    launches.emplace_back(sweep, cuda::grouped::kernel_name(group.kernel), group.tasks,
                          group.blocks, sum.bytes, sum.flops);
  }
}

// What one call plans at most: tasks of networks on their way through batches, some seconds.
constexpr int64_t kMostEntries = int64_t{1} << 22;

void check_numbers(const std::vector<int64_t>& jobs, size_t programs, int64_t images,
                   int64_t others, int64_t memory) {
  for (int64_t count : {images, others}) {
    TEGNAS_CHECK_VALUE(0 <= count && count <= engine::kMostImages,
                       "engine_plan: a batch has between 0 and 2^24 images, got ", count, ".");
  }
  TEGNAS_CHECK_VALUE(memory > 0, "engine_plan: memory must be positive, got ", memory, ".");
  for (int64_t program : jobs) {
    TEGNAS_CHECK_VALUE(0 <= program && program < static_cast<int64_t>(programs),
                       "engine_plan: a job names program ", program, " of ", programs, ".");
  }
}

// Refuses a plan that would take too long: with little memory, each image is a sweep of its own.
void check_length(const std::vector<cuda::engine::Job<float>>& jobs, int64_t batches, int64_t most,
                  int64_t seeds) {
  Checked tasks = 0;
  for (const auto& job : jobs) {
    tasks = tasks + job.tasks->size();
  }
  const Checked entries = tasks * batches * checked_divide_up(most, seeds);
  TEGNAS_CHECK_VALUE(entries.value() <= kMostEntries, "engine_plan: this is a plan of ",
                     entries.value(), " tasks, more than 2^22; give more memory or fewer jobs.");
}

std::vector<Launch> make_launches(const std::vector<std::vector<int64_t>>& codes,
                                  const std::vector<int64_t>& jobs, int64_t images, int64_t others,
                                  bool coupled, int64_t memory) {
  check_numbers(jobs, codes.size(), images, others, memory);
  std::vector<cuda::grouped::Tasks> programs;
  for (const std::vector<int64_t>& code : codes) {
    programs.push_back(cuda::grouped::emit_tasks(
        engine::parse_program(code.data(), static_cast<int64_t>(code.size())),
        coupled ? engine::Purpose::coupled : engine::Purpose::frozen));
  }
  const std::vector<int64_t> first_tasks = cuda::grouped::number_tasks(programs);
  std::vector<cuda::grouped::Task> tasks(first_tasks.back());
  copy_tasks(programs, first_tasks, tasks.data());
  std::vector<cuda::engine::Job<float>> list;
  for (int64_t program : jobs) {
    list.push_back({&programs.at(program), first_tasks.at(program), nullptr});
  }
  const std::vector<int64_t> batches =
      others > 0 ? std::vector<int64_t>{images, others} : std::vector<int64_t>{images};
  const auto chunks = cuda::engine::cut(list, batches, coupled, memory);
  const int64_t most = coupled ? std::max(images, others) : 1;
  check_length(list, static_cast<int64_t>(batches.size()), most, chunks.seeds);

  std::vector<Launch> launches;
  for (const auto& chunk : chunks.list) {
    std::vector<cuda::grouped::Passage> passages;
    for (int64_t batch : batches) {
      for (int64_t job = chunk.first; job < chunk.last; ++job) {
        passages.push_back({list[job].tasks, list[job].first_task, {batch, 1, coupled}});
      }
    }
    for (int64_t first = 0; first < most; first += chunks.seeds) {
      for (cuda::grouped::Passage& passage : passages) {
        const int64_t left = coupled ? passage.extent.images - first : 1;
        passage.extent.seeds = std::clamp<int64_t>(left, 0, chunks.seeds);
      }
      const Kept<cuda::grouped::Schedule> schedule =
          cuda::grouped::make_schedule(passages, torch_parallel_for);
      if (first == 0) append(launches, "forward", schedule->forward, passages, tasks);
      append(launches, "backward", schedule->backward, passages, tasks);
    }
    const auto some = static_cast<size_t>(chunk.last - chunk.first);
    launches.push_back(gram_launch(passages, some, images, images, false));
    if (others > 0) launches.push_back(gram_launch(passages, some, others, images, true));
  }
  return launches;
}

// Stands for pinned memory, which torch keeps from call to call.
cuda::grouped::Task* staging(int64_t tasks) {
  thread_local std::vector<cuda::grouped::Task> kept;
  if (static_cast<int64_t>(kept.size()) < tasks) kept.resize(tasks);
  return kept.data();
}

std::pair<int64_t, int64_t> count_launches(Words code, Words offsets, Words job_programs,
                                           int64_t images, bool regions, int64_t memory) {
  const auto kept =
      make_tasks(code, offsets, regions ? engine::Purpose::regions : engine::Purpose::frozen);
  const std::vector<cuda::grouped::Tasks>& programs = *kept;
  const std::vector<int64_t> jobs(job_programs.data, job_programs.data + job_programs.count);
  check_numbers(jobs, programs.size(), images, 0, memory);
  const std::vector<int64_t> first_tasks = cuda::grouped::number_tasks(programs);
  copy_tasks(programs, first_tasks, staging(first_tasks.back()));
  std::vector<cuda::engine::Job<float>> list;
  for (int64_t program : jobs) {
    list.push_back({&programs.at(program), first_tasks.at(program), nullptr});
  }
  int64_t launches = 0;
  auto bytes = static_cast<int64_t>(first_tasks.back() * sizeof(cuda::grouped::Task));
  for (const auto& chunk : cuda::engine::cut(list, {images}, false, memory).list) {
    std::vector<cuda::grouped::Passage> passages;
    for (int64_t job = chunk.first; job < chunk.last; ++job) {
      passages.push_back({list[job].tasks, list[job].first_task, {images, 1, false}});
    }
    const Kept<cuda::grouped::Schedule> schedule =
        cuda::grouped::make_schedule(passages, torch_parallel_for);
    for (const auto* sweep : {&schedule->forward, &schedule->backward}) {
      launches += static_cast<int64_t>(sweep->groups.size());
      bytes += static_cast<int64_t>(sweep->entries.size() * sizeof sweep->entries[0]);
    }
  }
  return {launches, bytes};
}

}  // namespace

std::vector<Launch> engine_plan(const std::vector<std::vector<int64_t>>& codes,
                                const std::vector<int64_t>& jobs, int64_t images, int64_t others,
                                bool coupled, int64_t memory) {
  return refusing("engine_plan",
                  [&] { return make_launches(codes, jobs, images, others, coupled, memory); });
}

std::pair<int64_t, int64_t> prepare_launches(Words code, Words offsets, Words job_programs,
                                             int64_t images, bool regions, int64_t memory) {
  return refusing("prepare_launches", [&] {
    return count_launches(code, offsets, job_programs, images, regions, memory);
  });
}

}  // namespace tegnas
