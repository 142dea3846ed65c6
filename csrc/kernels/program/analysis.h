// What a program means for whoever computes it: which of its values are needed, which are stored
// and which are only another way of reading what is stored, who reads what, which gradients are
// wanted and which of them are the gradient of something else, whose weights have which rows of
// the Jacobian. Both back ends compile from it, each in its own way (docs/engine.md).
//
// Batch norm and ReLU store nothing: what reads them reads a *view*, a buffer of raw numbers seen
// through a norm and a ReLU. Gradients belong to *nodes*: a buffer, or what a norm makes of one.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/program/program.h"

namespace tegnas::engine {

// What a program is run for: a kernel, with the statistics of batch norm held constant in the
// derivative or part of it, or the regions that its activations cut space into. Regions are told
// apart by patterns, the signs of what is counted; beside a kernel they are there where asked for.
enum class Purpose { frozen, coupled, regions };

// Numbers as they are read.
struct View {
  int32_t buffer;
  int32_t norm;  // -1: none
  bool relu;
};

inline bool operator==(const View& a, const View& b) {
  return a.buffer == b.buffer && a.norm == b.norm && a.relu == b.relu;
}

struct Analysis {
  static constexpr int32_t kNone = -1;

  // Numbers that are stored.
  struct Buffer {
    Shape shape;
    int32_t maker = kNone;  // step; none: the images
    bool zero = false;      // whatever images and parameters are
  };

  struct Norm {
    int32_t buffer;  // of its input
    int32_t value;   // of the program: the batch_norm
  };

  // Something to be carried out.
  struct Step {
    enum class Kind {
      instruction,  // makes a buffer
      copy,         // of a view into a buffer, because a norm reads it
      statistics,   // of a norm
      signs,        // which numbers of a view lie above a threshold, for a pattern
    };
    Kind kind = Kind::instruction;
    int32_t value = kNone;  // of the program; none: a copy
    int32_t out = kNone;    // buffer; statistics: the norm; signs: none
    int32_t first_input = 0, inputs = 0;
    double threshold = 0;    // signs
    int32_t first_word = 0;  // signs: 32-bit words of the pattern
    // Of its weights, where the kernel sees them: rows of the Jacobian, and the first of them.
    int64_t rows = 0, first_row = 0;
    bool leads = false;     // the logits depend on it; of the others only patterns are made
    bool weighted = false;  // it leads to them by weights, and what these multiply isn't zero
    bool searched = false;  // they are among those that are searched
  };

  // What reads a node, and through a ReLU or not.
  struct Reader {
    int32_t step;   // none: the logits are wanted
    int32_t input;  // among the step's
    bool relu;
  };

  struct Node {
    bool needed = false;           // a weight lies at or before it, so that its gradient is wanted
    bool needed_searched = false;  // one that is searched
    int32_t first_reader = 0, readers = 0;
  };

  // Where a gradient is that of another node: of its channels from `channel` on, and times the
  // scale of `norm` where statistics are constant.
  struct Alias {
    int32_t node = kNone;
    int32_t channel = 0;
    int32_t norm = kNone;
  };

  Purpose purpose = Purpose::frozen;
  bool patterns = false;
  std::vector<Buffer> buffers;  // first the images, then in the order in which they are made
  std::vector<Norm> norms;      // likewise
  std::vector<Step> steps;      // in the order of the program
  std::vector<View> inputs;     // of one step after the other
  std::vector<Node> nodes;      // of the buffers, then of the norms
  std::vector<Reader> readers;  // of one node after the other: instructions and copies, statistics,
                                // the logits; of steps that lead to them
  View logits{kNone, kNone, false};
  int64_t outputs = 0;                  // K
  int64_t searched_rows = 0, rows = 0;  // of the Jacobian; those of searched weights come first
  int32_t words = 0;                    // 32-bit words of a pattern

  const View* inputs_of(const Step& step) const { return inputs.data() + step.first_input; }
  const View& input_of(const Step& step) const { return inputs[step.first_input]; }
  int32_t node_of_buffer(int32_t buffer) const { return buffer; }
  int32_t node_of_norm(int32_t norm) const { return static_cast<int32_t>(buffers.size()) + norm; }
  int32_t node_of(const View& view) const {
    return view.norm < 0 ? node_of_buffer(view.buffer) : node_of_norm(view.norm);
  }
  // The node that an instruction, a copy or a norm makes.
  int32_t node_made_by(const Step& step) const {
    return step.kind == Step::Kind::statistics ? node_of_norm(step.out) : step.out;
  }
  const Reader* readers_of(int32_t node) const { return readers.data() + nodes[node].first_reader; }

  // The gradient of a node with one reader that hands its own on: a sum, a copy, a concatenation,
  // or a norm.
  Alias alias_of(const Program& program, int32_t node) const;
};

// Where the next reader of a node goes among all readers.
struct NextReader {
  int32_t others, statistics;
};

// What is needed while a program is analysed, kept for the next one: programs are many and small,
// and asking for memory would take as long as analysing them.
struct AnalysisScratch {
  std::vector<char> zero, live, leads;   // by value
  std::vector<View> views;               // by value
  std::vector<int32_t> signs;            // steps
  std::vector<NextReader> next_readers;  // by node
};

// `patterns`: whether they are wanted beside a kernel; they change nothing that the kernel needs.
// Throws std::invalid_argument where a kernel is asked for and the program has no logits.
Analysis analyse(const Program& program, Purpose purpose, bool patterns = false);

// The same in place of another analysis, whose memory is used again.
void analyse(const Program& program, Purpose purpose, bool patterns, AnalysisScratch& scratch,
             Analysis& analysis);

}  // namespace tegnas::engine
