#include "kernels/program/analysis.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/checked.h"

namespace tegnas::engine {
namespace {

using Buffer = Analysis::Buffer;
using Node = Analysis::Node;
using Reader = Analysis::Reader;
using Step = Analysis::Step;

class Analyst {
 public:
  Analyst(const Program& program, AnalysisScratch& scratch, Analysis& analysis)
      : program_(program),
        analysis_(analysis),
        zero_(scratch.zero),
        live_(scratch.live),
        leads_(scratch.leads),
        views_(scratch.views),
        signs_(scratch.signs),
        next_(scratch.next_readers),
        kernel_(analysis.purpose != Purpose::regions) {}

  void run() {
    find_zeros();
    find_live();
    define_values();
    if (!kernel_) return;
    analysis_.logits = views_.back();
    analysis_.outputs = program_.shapes.back().c;
    find_readers();
    number_rows();
  }

 private:
  // Which values are zero whatever images and parameters are.
  void find_zeros() {
    zero_.assign(program_.values(), false);
    for (int64_t v = 1; v < program_.values(); ++v) {
      const Instruction& i = program_.defines(v);
      const bool keeps = i.op != Op::batch_norm && i.bias < 0 &&
                         (i.op != Op::activation || description_of(i.function).keeps_zero);
      zero_[v] = keeps &&
                 std::all_of(i.in.begin(), i.in.end(), [&](int64_t in) { return zero_[in] != 0; });
    }
  }

  // Whether an instruction's result is computed from this input.
  bool reads(int64_t value, int64_t in) const {
    if (zero_[value] && program_.defines(value).op != Op::relu) return false;
    return program_.defines(value).op != Op::add || !zero_[in];
  }

  // Which values the logits depend on, and which beside them the patterns.
  void find_live() {
    leads_.assign(program_.values(), false);
    leads_.back() = kernel_;
    live_ = leads_;
    for (int64_t v = program_.values() - 1; v > 0; --v) {
      if (!live_[v] && !is_counted(v)) continue;
      for (int64_t in : program_.defines(v).in) {
        // Of what is counted the signs come from what it reads.
        if (is_counted(v) || reads(v, in)) live_[in] = true;
        if (leads_[v] && reads(v, in)) leads_[in] = true;
      }
    }
  }

  bool is_counted(int64_t value) const {
    return analysis_.patterns && program_.defines(value).counted;
  }

  void define_values() {
    views_.assign(program_.values(), View{-1, -1, false});
    analysis_.buffers.push_back({program_.shapes[0], Analysis::kNone, false});
    views_[0] = {0, -1, false};
    for (int64_t v = 1; v < program_.values(); ++v) {
      const auto value = static_cast<int32_t>(v);
      if (is_counted(v)) define_signs(value);
      if (live_[v]) views_[v] = define(value);
    }
  }

  View define(int32_t value) {
    const Instruction& i = program_.defines(value);
    if (i.op == Op::relu) {
      View view = views_[i.in[0]];
      view.relu = true;
      return view;
    }
    if (i.op == Op::batch_norm) return define_norm(value);
    const auto first = static_cast<int32_t>(analysis_.inputs.size());
    for (int64_t in : i.in) {
      if (reads(value, in)) analysis_.inputs.push_back(views_[in]);
    }
    const int32_t inputs = static_cast<int32_t>(analysis_.inputs.size()) - first;
    if (i.op == Op::add && inputs == 1) {
      const View only = analysis_.inputs.back();
      analysis_.inputs.pop_back();
      return only;
    }
    Step step;
    step.value = value;
    step.first_input = first;
    step.inputs = inputs;
    step.leads = leads_[value];
    step.weighted = step.leads && i.weight >= 0 && inputs > 0 && !is_zero(analysis_.inputs[first]);
    step.searched = i.searched;
    return add_step(step, program_.shapes[value], zero_[value]);
  }

  View add_step(Step step, const Shape& shape, bool zero) {
    step.out = static_cast<int32_t>(analysis_.buffers.size());
    analysis_.buffers.push_back({shape, static_cast<int32_t>(analysis_.steps.size()), zero});
    analysis_.steps.push_back(step);
    return {step.out, -1, false};
  }

  bool is_zero(const View& view) const {
    return view.norm < 0 && analysis_.buffers[view.buffer].zero;
  }

  View define_norm(int32_t value) {
    const Instruction& i = program_.defines(value);
    const View in = plain(views_[i.in[0]], leads_[value]);
    Step step;
    step.kind = Step::Kind::statistics;
    step.value = value;
    step.out = static_cast<int32_t>(analysis_.norms.size());
    step.first_input = static_cast<int32_t>(analysis_.inputs.size());
    step.inputs = 1;
    step.leads = leads_[value];
    step.weighted = step.leads && i.weight >= 0 && !is_zero(in);
    step.searched = i.searched;
    analysis_.inputs.push_back(in);
    analysis_.steps.push_back(step);
    analysis_.norms.push_back({in.buffer, value});
    return {in.buffer, step.out, false};
  }

  // A view without norm and ReLU of the same numbers, copied where it has to be.
  View plain(const View& view, bool leads) {
    if (view.norm < 0 && (!view.relu || is_zero(view))) return {view.buffer, -1, false};
    Step step;
    step.kind = Step::Kind::copy;
    step.first_input = static_cast<int32_t>(analysis_.inputs.size());
    step.inputs = 1;
    step.leads = leads;
    analysis_.inputs.push_back(view);
    return add_step(step, analysis_.buffers[view.buffer].shape, false);
  }

  void define_signs(int32_t value) {
    const Instruction& i = program_.defines(value);
    const Thresholds thresholds = thresholds_of(i);
    for (int k = 0; k < thresholds.count; ++k) {
      define_signs(value, views_[i.in[0]], thresholds.at[k]);
    }
  }

  // Two activations of one view with the same threshold have the same signs, so they count once.
  // Of numbers above zero a ReLU changes none.
  void define_signs(int32_t value, const View& view, double threshold) {
    for (int32_t s : signs_) {
      const Step& step = analysis_.steps[s];
      if (step.threshold != threshold) continue;
      const View& other = analysis_.input_of(step);
      if (other.buffer == view.buffer && other.norm == view.norm &&
          (threshold >= 0 || other.relu == view.relu)) {
        return;
      }
    }
    Step step;
    step.kind = Step::Kind::signs;
    step.value = value;
    step.first_input = static_cast<int32_t>(analysis_.inputs.size());
    step.inputs = 1;
    step.threshold = threshold;
    step.first_word = analysis_.words;
    const int64_t words = (analysis_.buffers[view.buffer].shape.size() + 31) / 32;
    analysis_.words = (Checked(analysis_.words) + words).narrow();
    analysis_.inputs.push_back(view);
    signs_.push_back(static_cast<int32_t>(analysis_.steps.size()));
    analysis_.steps.push_back(step);
  }

  // Who reads each node: instructions and copies, then statistics, then the logits. And whether its
  // gradient is wanted. What doesn't lead to the logits has no gradient to hand on.
  void find_readers() {
    std::vector<Node>& nodes = analysis_.nodes;
    nodes.assign(analysis_.buffers.size() + analysis_.norms.size(), Node{});
    next_.assign(nodes.size(), {0, 0});
    for (const Step& step : analysis_.steps) {
      if (!step.leads) continue;
      bool needed = step.weighted, needed_searched = step.weighted && step.searched;
      const View* const in = analysis_.inputs_of(step);
      for (int32_t k = 0; k < step.inputs; ++k) {
        const int32_t read = analysis_.node_of(in[k]);
        needed = needed || nodes[read].needed;
        needed_searched = needed_searched || nodes[read].needed_searched;
        ++nodes[read].readers;
        next_[read].statistics += step.kind == Step::Kind::statistics;
      }
      Node& made = nodes[analysis_.node_made_by(step)];
      made.needed = needed;
      made.needed_searched = needed_searched;
    }
    const int32_t last = analysis_.node_of(analysis_.logits);
    ++nodes[last].readers;
    int32_t end = 0;
    for (size_t n = 0; n < nodes.size(); ++n) {
      nodes[n].first_reader = next_[n].others = end;
      end += nodes[n].readers;
      next_[n].statistics = end - next_[n].statistics;
    }
    --next_[last].statistics;
    std::vector<Reader>& readers = analysis_.readers;
    readers.resize(end);
    for (size_t s = 0; s < analysis_.steps.size(); ++s) {
      const Step& step = analysis_.steps[s];
      if (!step.leads) continue;
      const View* const in = analysis_.inputs_of(step);
      for (int32_t k = 0; k < step.inputs; ++k) {
        NextReader& next = next_[analysis_.node_of(in[k])];
        const bool statistics = step.kind == Step::Kind::statistics;
        readers[statistics ? next.statistics++ : next.others++] = {static_cast<int32_t>(s), k,
                                                                   in[k].relu};
      }
    }
    readers[nodes[last].first_reader + nodes[last].readers - 1] = {Analysis::kNone, 0,
                                                                   analysis_.logits.relu};
  }

  // In the order in which a sweep back meets them, those of searched weights first.
  void number_rows() {
    int64_t rest = 0;
    for (auto step = analysis_.steps.rbegin(); step != analysis_.steps.rend(); ++step) {
      if (!step->weighted) continue;
      step->rows = program_.defines(step->value).weights;
      int64_t& rows = step->searched ? analysis_.searched_rows : rest;
      step->first_row = rows;
      rows += step->rows;
    }
    analysis_.rows = analysis_.searched_rows + rest;
    for (Step& step : analysis_.steps) {
      if (step.weighted && !step.searched) step.first_row += analysis_.searched_rows;
    }
  }

  const Program& program_;
  Analysis& analysis_;
  std::vector<char>&zero_, &live_, &leads_;
  std::vector<View>& views_;
  std::vector<int32_t>& signs_;
  std::vector<NextReader>& next_;
  const bool kernel_;
};

}  // namespace

Analysis::Alias Analysis::alias_of(const Program& program, int32_t node) const {
  if (nodes[node].readers != 1) return {};
  const Reader& reader = *readers_of(node);
  if (reader.relu || reader.step == kNone) return {};
  const Step& step = steps[reader.step];
  switch (step.kind) {
    case Step::Kind::statistics:
      return {node_of_norm(step.out), 0, step.out};
    case Step::Kind::copy:
      return {step.out, 0, kNone};
    case Step::Kind::signs:
      return {};
    case Step::Kind::instruction:
      break;
  }
  const Op op = program.defines(step.value).op;
  if (op != Op::add && op != Op::concat) return {};
  Alias alias{step.out, 0, kNone};
  for (int32_t k = 0; op == Op::concat && k < reader.input; ++k) {
    alias.channel += static_cast<int32_t>(buffers[inputs_of(step)[k].buffer].shape.c);
  }
  return alias;
}

Analysis analyse(const Program& program, Purpose purpose, bool patterns) {
  AnalysisScratch scratch;
  Analysis analysis;
  analyse(program, purpose, patterns, scratch, analysis);
  return analysis;
}

void analyse(const Program& program, Purpose purpose, bool patterns, AnalysisScratch& scratch,
             Analysis& analysis) {
  if (purpose != Purpose::regions) {
    const Shape& logits = program.shapes.back();
    if (program.instructions.empty() || logits.h != 1 || logits.w != 1 || logits.c < 1) {
      throw std::invalid_argument(
          "a program for a kernel must end in logits of shape (K, 1, 1) with K of at least 1; end "
          "it with global_avg_pool and linear.");
    }
  }
  analysis.purpose = purpose;
  analysis.patterns = patterns || purpose == Purpose::regions;
  analysis.buffers.clear();
  analysis.norms.clear();
  analysis.steps.clear();
  analysis.inputs.clear();
  analysis.nodes.clear();
  analysis.readers.clear();
  analysis.logits = {Analysis::kNone, Analysis::kNone, false};
  analysis.outputs = analysis.searched_rows = analysis.rows = 0;
  analysis.words = 0;
  scratch.signs.clear();
  Analyst(program, scratch, analysis).run();
}

}  // namespace tegnas::engine
