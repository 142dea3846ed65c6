// How make_plan works, in four stages over one shared state: what each value is (forward steps),
// what each gradient is (backward steps), the tables of the convolutions, and the memory.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/cpu/plan/plan.h"

namespace tegnas::engine {

// Rows of the Jacobian that are kept before they go into the Gram matrix, unless one output
// channel alone has more: 512 KiB for 128 images, so that the panel stays in the L2 cache.
constexpr int64_t kPanelRows = 1024;

// A view as a key: buffer, norm, relu.
using ViewKey = std::tuple<int32_t, int32_t, bool>;

inline ViewKey key(const View& view) { return {view.buffer, view.norm, view.relu}; }

// A buffer (norm -1) or a norm's output: what a gradient belongs to.
using Node = std::pair<int32_t, int32_t>;

struct Consumer {
  enum Kind { step, norm, logits } kind;
  int32_t at;     // step or norm
  int32_t input;  // position among the step's inputs
  bool relu;
};

class PlanBuilder {
 public:
  PlanBuilder(const Program& program, Mode mode, bool repeated);
  std::shared_ptr<const Plan> build();

 private:
  // plan_values.cpp
  void find_live();
  void define_values();
  void define_value(int32_t value);
  void define_signs(int32_t value);
  void define_signs(const View& view, double threshold);
  View plain(const View& view);
  bool is_zero(const View& view) const;
  void add_compute_step(int32_t value);
  int32_t add_buffer(const Shape& shape, Place place = Place::values);
  int32_t add_step(Step step, int32_t value, const Shape& out);

  // plan_pools.cpp
  const Pool* pool_of(const Instruction& i);

  // plan_forward.cpp
  void define_activations();
  bool fold_activation(const View& view, const Activation& activation);
  void fold_pools();
  bool folds(const Step& pool, int32_t* reader) const;
  void emit_forward();
  void emit_step(const Step& step);
  Step merged_convolutions(size_t first, std::vector<bool>& done);
  void emit_norm(int32_t norm);
  void define_runs();

  // plan_stem.cpp
  void define_stem();
  bool begins_network(const Step& step) const;
  void place_stem(int32_t buffer);
  void add_stem_key(const Step& step);

  // plan_backward.cpp
  void find_consumers();
  std::map<Node, bool> find_needs(bool body) const;
  void emit_backward();
  void emit_node(const Node& node);
  void resolve(const Node& node, const std::vector<Consumer>& consumers);
  bool alias(const Node& node, const std::vector<Consumer>& consumers);
  RowGradient row_gradient(const Consumer& consumer) const;
  std::vector<RowGradient> joined_pools(const std::vector<RowGradient>& rows);
  bool starts_segment(int64_t rows) const;
  void begin_segment_for(int64_t rows);
  int64_t take_rows(int64_t count, bool body);
  void push_back_step(BackStepKind kind, int64_t at, bool body);
  void finish_rows();
  const Instruction& instruction_of(int32_t step) const;
  Shape shape_of(int32_t buffer) const;

  // plan_weights.cpp
  void emit_weight_grads(const Node& node, const std::vector<Consumer>& consumers);
  void emit_conv_grads(const View& view, const std::vector<int32_t>& steps, bool body);
  bool has_body_rows(int32_t step) const;
  void emit_linear_grads(const View& view, int32_t step);
  GradPiece piece_of(int32_t step, int64_t first, int64_t last);

  // plan_taps.cpp
  struct TapTable;
  TapConv forward_taps(const std::vector<int32_t>& steps);
  TapConv backward_taps(const std::vector<int32_t>& steps, int32_t out);
  void size_rings(TapConv& conv, std::vector<TapSource>& sources, const TapTable& table);
  void finish_taps(TapConv& conv, const TapTable& table, int64_t group_outs);
  std::vector<TapConv> gradient_convs(const std::vector<int32_t>& steps, int32_t out,
                                      int64_t& ring);

  // plan_memory.cpp
  void allocate();
  template <typename Touch>
  void touch_step(const Step& step, const Touch& touch) const;

  template <typename T>
  const T* keep(const std::vector<T>& items) {
    std::shared_ptr<T> kept(new T[items.size() + 1](), std::default_delete<T[]>());
    for (size_t k = 0; k < items.size(); ++k) kept.get()[k] = items[k];
    plan_->owned.push_back(kept);
    return kept.get();
  }

  template <typename T>
  List<T> list(const std::vector<T>& items) {
    return {keep(items), static_cast<int64_t>(items.size())};
  }

  const Program& program_;
  const Mode mode_;
  const bool repeated_;
  std::shared_ptr<Plan> plan_;

  std::vector<bool> live_;   // by value
  std::vector<View> views_;  // by value
  std::vector<Buffer> buffers_;
  std::vector<Norm> norms_;
  std::vector<Step> steps_;         // in order of the program, convolutions one by one
  std::vector<int32_t> values_;     // value that a step defines, -1: none (copies)
  std::vector<int32_t> producers_;  // by buffer: the step, -1 for the input and for gradients
  struct KnownPool {
    Window window;
    int64_t height, width;
    bool include;
    const Pool* pool;
  };
  std::vector<KnownPool> pools_;  // one for all pools that are alike
  std::vector<bool> zeros_;       // by buffer: zero whatever the parameters are
  std::map<ViewKey, Activation> activations_;
  std::vector<bool> folded_;  // by step: carried out by its only reader
  std::vector<Step> forward_;
  std::vector<Run> runs_;
  std::vector<bool> normalised_;  // by norm: emitted already

  std::map<Node, std::vector<Consumer>> consumers_;
  std::map<Node, GradRef> gradients_;
  std::map<Node, bool> needs_;       // whether a weight lies at or before a node
  std::map<Node, bool> needs_body_;  // the same for the weights of the body
  std::vector<BackStep> backward_;
  std::vector<Segment> segments_;
  std::vector<WeightGrad> weight_grads_;
  std::vector<std::vector<GradPiece>> pieces_;  // of each weight_grad, until its rows are final
  std::vector<LinearGrad> linear_grads_;
  std::vector<NormGrad> norm_grads_;
  std::vector<Collect> collects_;
};

}  // namespace tegnas::engine
