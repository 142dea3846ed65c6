// What both back ends are told of a program: what is needed, stored, read, wanted, and in which
// rows.
#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "check.h"
#include "engine_random.h"
#include "kernels/program/analysis.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::engine;
using namespace tegnas::test;

namespace {

using Step = Analysis::Step;

int64_t count(const Analysis& a, Step::Kind kind) {
  return std::count_if(a.steps.begin(), a.steps.end(),
                       [&](const Step& step) { return step.kind == kind; });
}

const Step& step_of(const Analysis& a, int64_t value) {
  return *std::find_if(a.steps.begin(), a.steps.end(),
                       [&](const Step& step) { return step.value == value; });
}

// A convolution, a norm and a ReLU: one buffer, read through the other two.
void views_store_nothing() {
  Writer w({3, 8, 8});
  const int64_t conv = w.conv(0, 4, square(3, 1, 1), 1, false, true);
  const int64_t seen = w.relu(w.norm(conv, true, true));
  const int64_t second = w.conv(seen, 4, square(1, 1, 0), 1, false, false);
  const int64_t logits = w.linear(w.global_avg_pool(second), 5, true, false);
  const Program program = w.program();
  const Analysis a = analyse(program, Purpose::frozen);
  CHECK(a.buffers.size() == 5 && a.norms.size() == 1 && a.steps.size() == 5);
  const View& read = a.input_of(step_of(a, second));
  CHECK(read.buffer == step_of(a, conv).out && read.norm == 0 && read.relu);
  CHECK(a.outputs == 5 && a.logits == (View{step_of(a, logits).out, -1, false}));
}

// A norm reads numbers as they are stored.
void copies_in_front_of_norms() {
  Writer w({2, 4, 4});
  const int64_t conv = w.conv(0, 2, square(3, 1, 1), 1, false, true);
  const int64_t twice = w.norm(w.relu(w.norm(conv, true, true)), true, true);
  w.linear(w.global_avg_pool(twice), 2, true, false);
  const Analysis a = analyse(w.program(), Purpose::coupled);
  CHECK(count(a, Step::Kind::copy) == 1 && count(a, Step::Kind::statistics) == 2);
}

// What is zero whatever the weights are is neither read nor has it rows, nor what leads to it
// alone.
void zeros() {
  Writer w({2, 4, 4});
  const int64_t conv = w.conv(0, 3, square(3, 1, 1), 1, false, true);
  const int64_t dead = w.conv(w.relu(w.zeros({2, 4, 4})), 3, square(3, 1, 1), 1, false, true);
  const int64_t biased = w.conv(w.zeros({2, 4, 4}), 3, square(3, 1, 1), 1, true, true);
  const int64_t sum = w.add({conv, dead, w.add({biased, dead})});
  w.linear(w.global_avg_pool(sum), 2, false, false);
  const Program program = w.program();
  const Analysis a = analyse(program, Purpose::frozen);
  CHECK(step_of(a, sum).inputs == 2);
  CHECK(std::none_of(a.steps.begin(), a.steps.end(),
                     [&](const Step& step) { return step.value == dead; }));
  CHECK(!step_of(a, biased).weighted && step_of(a, conv).weighted);
  CHECK(a.rows == 3 * 2 * 9 + 2 * 3 && a.searched_rows == 3 * 2 * 9);
}

// Rows of searched weights come first, each in the order of a sweep back.
void rows() {
  Writer w({2, 4, 4});
  const int64_t stem = w.conv(0, 3, square(1, 1, 0), 1, false, false);
  const int64_t first = w.conv(stem, 3, square(1, 1, 0), 1, false, true);
  const int64_t norm = w.norm(first, true, true);
  const int64_t second = w.conv(norm, 2, square(1, 1, 0), 1, true, true);
  const int64_t last = w.linear(w.global_avg_pool(second), 2, true, false);
  const Program program = w.program();
  const Analysis a = analyse(program, Purpose::frozen);
  const auto first_row = [&](int64_t value) { return step_of(a, value).first_row; };
  CHECK(first_row(second) == 0 && first_row(norm) == 6 && first_row(first) == 9);
  CHECK(a.searched_rows == 18 && first_row(last) == 18 && first_row(stem) == 22 && a.rows == 28);
}

// A gradient is wanted where a weight lies behind it.
void needs() {
  Writer w({3, 4, 4});
  const int64_t pooled = w.avg_pool(0, square(3, 1, 1), false);
  const int64_t stem = w.conv(pooled, 3, square(1, 1, 0), 1, false, false);
  const int64_t searched = w.conv(stem, 3, square(1, 1, 0), 1, false, true);
  w.linear(w.global_avg_pool(searched), 2, true, false);
  const Program program = w.program();
  const Analysis a = analyse(program, Purpose::frozen);
  const auto node = [&](int64_t value) { return a.nodes[step_of(a, value).out]; };
  CHECK(!a.nodes[0].needed && !node(pooled).needed);
  CHECK(node(stem).needed && !node(stem).needed_searched);
  CHECK(node(searched).needed && node(searched).needed_searched);
}

// A sum hands its gradient on, a concatenation a part of it, a norm all of it times its scale; what
// two read, or one through a ReLU, has a gradient of its own.
void aliases() {
  Writer w({2, 4, 4});
  const auto conv = [&] { return w.conv(0, 2, square(3, 1, 1), 1, false, true); };
  const int64_t a1 = conv(), a2 = conv(), a3 = conv(), a4 = conv(), a5 = conv();
  const int64_t sum = w.add({a1, w.norm(a2, true, true), a3, w.relu(a3)});
  const int64_t joined = w.concat({sum, a4, w.relu(a5)});
  w.linear(w.global_avg_pool(joined), 2, true, false);
  const Program program = w.program();
  const Analysis a = analyse(program, Purpose::frozen);
  const auto alias = [&](int64_t value) { return a.alias_of(program, step_of(a, value).out); };
  CHECK(alias(a1).node == step_of(a, sum).out && alias(a1).channel == 0 && alias(a1).norm < 0);
  CHECK(alias(a2).node == a.node_of_norm(0) && alias(a2).norm == 0);
  CHECK(alias(a3).node < 0 && alias(a5).node < 0);
  CHECK(alias(sum).node == step_of(a, joined).out && alias(sum).channel == 0);
  CHECK(alias(a4).node == step_of(a, joined).out && alias(a4).channel == 2);
}

// Signs of one view above one threshold are taken once; what no activation needs is not computed.
void patterns() {
  Writer w({2, 4, 4});
  const int64_t norm = w.norm(w.conv(0, 2, square(3, 1, 1), 1, false, true), true, true);
  const int64_t relu = w.relu(norm, true);
  w.relu(norm, true);
  w.activation(relu, Function::relu6, true);  // above 0, which is known, and above 6
  w.linear(w.global_avg_pool(relu), 2, true, false);
  const Analysis a = analyse(w.program(), Purpose::regions);
  CHECK(count(a, Step::Kind::signs) == 2 && a.words == 2);
  CHECK(a.buffers.size() == 2 && a.logits.buffer < 0);
}

// Beside a kernel patterns have the words that they have alone, and the kernel the rows and
// readers.
void patterns_beside_a_kernel() {
  Writer w({2, 4, 4});
  const int64_t conv = w.conv(0, 2, square(3, 1, 1), 1, false, true);
  const int64_t aside = w.conv(w.relu(conv, true), 3, square(3, 1, 1), 1, true, true);
  const int64_t counted = w.norm(aside, true, true);
  w.relu(counted, true);
  w.linear(w.global_avg_pool(conv), 2, true, false);
  const Program program = w.program();
  const Analysis alone = analyse(program, Purpose::frozen);
  const Analysis both = analyse(program, Purpose::frozen, true);
  CHECK(alone.words == 0 && count(alone, Step::Kind::signs) == 0 && alone.steps.size() == 3);
  CHECK(both.words == 1 + 2 && both.steps.size() == 7);
  CHECK(!step_of(both, aside).leads && !step_of(both, aside).weighted);
  CHECK(!step_of(both, counted).weighted && step_of(both, conv).leads);
  CHECK(both.rows == alone.rows && both.searched_rows == alone.searched_rows);
  CHECK(both.readers.size() == alone.readers.size());
  CHECK(!both.nodes[both.node_made_by(step_of(both, counted))].needed);
  CHECK(both.nodes[step_of(both, conv).out].readers == 1);
}

void no_logits() {
  Writer w({2, 4, 4});
  w.conv(0, 2, square(3, 1, 1), 1, false, true);
  for (const Purpose purpose : {Purpose::frozen, Purpose::coupled}) {
    std::string said;
    try {
      analyse(w.program(), purpose);
    } catch (const std::invalid_argument& error) {
      said = error.what();
    }
    CHECK_SAY(said.find("must end in logits") != std::string::npos, said);
  }
  CHECK(analyse(w.program(), Purpose::regions).steps.empty());
}

// Whatever the program: what is read was made before, and gradients reach all that need one.
void random_programs() {
  AnalysisScratch scratch;
  Analysis a;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Program program = random_program(random, {12, 6, 7, 7, 3}).program();
    const int32_t words = analyse(program, Purpose::regions).words;
    const std::pair<Purpose, bool> wanted[] = {
        {Purpose::frozen, false}, {Purpose::frozen, true}, {Purpose::regions, false}};
    for (const auto& [purpose, patterns] : wanted) {
      analyse(program, purpose, patterns, scratch, a);
      CHECK(a.words == (a.patterns ? words : 0));
      for (size_t s = 0; s < a.steps.size(); ++s) {
        for (int32_t k = 0; k < a.steps[s].inputs; ++k) {
          const View& view = a.inputs_of(a.steps[s])[k];
          CHECK(a.buffers[view.buffer].maker < static_cast<int32_t>(s));
          CHECK(view.norm < 0 || a.norms[view.norm].buffer == view.buffer);
        }
      }
      for (const Analysis::Node& node : a.nodes) CHECK(!node.needed || node.readers > 0);
    }
  }
}

}  // namespace

int main() {
  views_store_nothing();
  copies_in_front_of_norms();
  zeros();
  rows();
  needs();
  aliases();
  patterns();
  patterns_beside_a_kernel();
  no_logits();
  random_programs();
  return finish("program_analysis_test");
}
