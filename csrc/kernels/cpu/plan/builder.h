// How make_plan works, in four stages over one shared state: forward steps from those of the
// analysis, what each gradient is (backward steps), the tables of the convolutions, and the memory.
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

// What convolutions read as a key: a view (buffer, norm, relu), and whether they stand aside, so
// that only patterns depend on them. Those have activations of their own: the signs of the others
// mask gradients, whose sums are the same bits only where borders are the same.
using ActivationKey = std::tuple<int32_t, int32_t, bool, bool>;

inline ActivationKey key(const View& view, bool aside = false) {
  return {view.buffer, view.norm, view.relu, aside};
}
inline View view_of(const ActivationKey& key) {
  return {std::get<0>(key), std::get<1>(key), std::get<2>(key)};
}

class PlanBuilder {
 public:
  PlanBuilder(const Program& program, Purpose purpose, bool repeated, bool patterns);
  std::shared_ptr<const Plan> build();

 private:
  // steps.cpp
  void define_buffers();
  void define_norms();
  Step step_of(const Analysis::Step& step);
  StepKind kind_of(const Analysis::Step& step) const;
  int32_t add_buffer(const Shape& shape, Place place = Place::values);
  int32_t maker_of(int32_t buffer) const;
  const Instruction& instruction_of(int32_t step) const;
  Shape shape_of(int32_t buffer) const;

  // pools.cpp
  const Pool* pool_of(const Instruction& i);

  // forward.cpp
  void define_activations();
  ActivationKey read_by(size_t conv) const;
  bool fold_activation(const ActivationKey& read, const Activation& activation);
  void fold_pools();
  bool folds(const Step& add, const View& view) const;
  bool only_folded(const Step& pool) const;
  void emit_forward();
  void emit_step(const Step& step);
  Step merged_convolutions(size_t first, std::vector<bool>& done);
  void emit_norm(int32_t norm);
  void define_runs();

  // stem.cpp
  void define_stem();
  bool begins_network(const Step& step) const;
  void place_stem(int32_t buffer);
  void add_stem_key(const Step& step);

  // backward.cpp
  void emit_backward();
  void emit_node(const View& view);
  void resolve(const View& view);
  bool alias(int32_t node);
  RowGradient row_gradient(const Analysis::Reader& reader) const;
  GradRef gradient_of(int32_t step) const;
  std::vector<RowGradient> joined_pools(const std::vector<RowGradient>& rows);
  bool starts_segment(int64_t rows) const;
  void begin_segment_for(int64_t rows);
  int64_t take_rows(int64_t count, bool searched);
  void push_back_step(BackStepKind kind, int64_t at, bool searched);
  void finish_rows();

  // weights.cpp
  void emit_weight_grads(const View& view);
  void emit_conv_grads(const View& view, const std::vector<int32_t>& all, bool searched);
  bool has_searched_rows(int32_t step) const;
  bool reads_all_pixels(int32_t step) const;
  bool emit_pair_grads(const View& view, const std::vector<int32_t>& convs, bool searched);
  std::vector<int32_t> without_pair_grads(const View& view, const std::vector<int32_t>& convs);
  void emit_linear_grads(const View& view, int32_t step);
  GradPiece piece_of(int32_t step, int64_t first, int64_t last);

  // taps.cpp
  struct TapTable;
  TapConv forward_taps(const std::vector<int32_t>& steps);
  TapConv backward_taps(const std::vector<int32_t>& steps, int32_t out);
  bool reads_single_pixels(const Instruction& i) const;
  void size_rings(TapConv& conv, std::vector<TapSource>& sources, const TapTable& table);
  void finish_taps(TapConv& conv, const TapTable& table, int64_t group_outs);
  std::vector<TapConv> gradient_convs(const std::vector<int32_t>& steps, int32_t out,
                                      int64_t& ring);

  // memory.cpp
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
  const bool repeated_;
  const Analysis analysis_;
  std::shared_ptr<Plan> plan_;

  std::vector<Buffer> buffers_;  // those of the analysis first
  std::vector<Norm> norms_;      // as in the analysis
  std::vector<Step> steps_;      // likewise, convolutions one by one
  struct KnownPool {
    Window window;
    int64_t height, width;
    bool include;
    const Pool* pool;
  };
  std::vector<KnownPool> pools_;  // one for all pools that are alike
  std::map<ActivationKey, Activation> activations_;
  std::vector<bool> folded_;  // by step: a pool that is carried out by those that read it
  std::vector<Step> forward_;
  std::vector<Run> runs_;
  std::vector<bool> normalised_;  // by norm: emitted already

  std::vector<GradRef> gradients_;  // by node of the analysis
  std::vector<BackStep> backward_;
  std::vector<Segment> segments_;
  std::vector<WeightGrad> weight_grads_;
  std::vector<PairGrad> pair_grads_;
  std::vector<std::vector<GradPiece>> pieces_;  // of each weight_grad, until its rows are final
  std::vector<LinearGrad> linear_grads_;
  std::vector<NormGrad> norm_grads_;
  std::vector<Collect> collects_;
};

}  // namespace tegnas::engine
