#include "runs/task_vector.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/regex.h"
#include "models/loading.h"
#include "models/sharded_layers.h"
#include "tensors/file_tensors.h"
#include "vectors/low_rank.h"
#include "vectors/negate.h"

namespace lethe {

/// Patterns with factors. The first pattern found in a name gives its factor.
class TaskVector::Factors {
 public:
  explicit Factors(const std::vector<std::pair<std::string, double>>& factors) {
    for (const auto& [pattern, factor] : factors) entries_.push_back({Regex(pattern), pattern, factor});
  }
  double of(const std::string& name) const {
    for (const Entry& entry : entries_) {
      if (!entry.regex.found_in(name)) continue;
      entry.used = true;
      return entry.factor;
    }
    return 1;
  }
  // A pattern that fits no weight is a mistake, which would otherwise go unnoticed.
  void check_all_used() const {
    for (const Entry& entry : entries_) {
      if (entry.used) continue;
      throw bad_usage("cannot use negation.factors").with("pattern", excerpt(entry.pattern)).found("no weight for it");
    }
  }

 private:
  struct Entry {
    Regex regex;
    std::string pattern;
    double factor;
    mutable bool used = false;
  };
  std::vector<Entry> entries_;
};

void TaskVector::shape(const NegationSettings& settings) {
  if (settings.factors.empty() && settings.rank == 0) return;
  const c10::NoGradGuard no_gradient;
  const Factors factors(settings.factors);
  shape_by(factors, settings.rank == 0 ? std::numeric_limits<std::int64_t>::max() : settings.rank);
  factors.check_all_used();
}

namespace {

// Full tuning. The original's weights are read from the base's memory map, the trained ones are kept beside the model.
class WeightsVector : public TaskVector {
 public:
  WeightsVector(CausalLM& model, const Checkpoint& base) : model_(model), base_(base) {
    const auto* layers = static_cast<const ShardedLayers*>(model.layer_weights.get());
    for (const Parameter& parameter : model.parameters()) {
      if (layers != nullptr && ShardedLayers::holds(parameter))
        parts_.push_back({parameter, layers->values(parameter), layers->own(parameter).begin, true});
      else
        parts_.push_back({parameter, parameter.tensor->detach()});
    }
    WeightsVector::retake();
  }

  void retake() override {
    const c10::NoGradGuard no_gradient;
    originals_.clear();
    for (Part& part : parts_) part.trained = part.current.clone();
  }

  void set_aside(std::uint64_t) override { WeightsVector::begin_at(0); }

  void begin_at(double scale) override {
    WeightsVector::apply(scale);
    originals_.clear();
  }

  void join(double factor) override {
    const c10::NoGradGuard no_gradient;
    for (Part& part : parts_)
      part.current.copy_(part.current.to(at::kFloat) + factor * (part.trained.to(at::kFloat) - original(part)));
    originals_.clear();
  }

  void apply(double scale) override {
    const c10::NoGradGuard no_gradient;
    for (Part& part : parts_) {
      stop_if_interrupted();
      const at::Tensor before = original(part);
      part.current.copy_(before + scale * (part.trained.to(at::kFloat) - before));
    }
  }

  void restore() override {
    const c10::NoGradGuard no_gradient;
    for (Part& part : parts_) part.current.copy_(part.trained);
  }

  double change() const override {
    return rms(moved([](const Part&) { return true; }));
  }

  void write(double scale, const std::filesystem::path& folder) override {
    restore();
    negate_checkpoint(base_, weights_by_name(model_), -scale, folder);
    apply(scale);
  }

  void write_trained(const std::filesystem::path& folder) override {
    restore();
    write_like(base_, model_, folder, {.access = Access::owner_only});
  }

 protected:
  /// Weights that moved, and the sum of their squared moves.
  struct Moved {
    double squares = 0, weights = 0;
  };
  static double rms(const Moved& moved) { return moved.weights == 0 ? 0 : std::sqrt(moved.squares / moved.weights); }
  /// @param counts  which parts
  template <class Counts>
  Moved moved(const Counts& counts) const {
    const c10::NoGradGuard no_gradient;
    Moved all;
    for (const Part& part : parts_) {
      stop_if_interrupted();
      if (!counts(part)) continue;
      const double sum = (part.trained.to(at::kFloat) - original(part)).square().sum(at::kDouble).item<double>();
      all.squares += sum;
      if (sum != 0) all.weights += static_cast<double>(part.trained.numel());
    }
    return all;
  }

  /// What this process holds of a weight.
  struct Part {
    Parameter parameter;
    at::Tensor current;      // of the model; of a matrix that ranks share, this one's piece of it
    std::int64_t begin = 0;  // the piece's first weight in the matrix
    bool shared = false;     // whether it is such a piece
    at::Tensor trained = {};
  };

 private:
  void shape_by(const Factors& factors, std::int64_t rank) override {
    for (Part& part : parts_) {
      stop_if_interrupted();
      const at::Tensor before = original(part);
      part.trained = (before + factors.of(part.parameter.name) * low_rank(part.trained.to(at::kFloat) - before, rank))
                         .to(part.trained.scalar_type());
    }
  }

  // float32, on the model's device
  at::Tensor original(const Part& part) const {
    const StoredTensor& stored = stored_parameter(base_, model_.spec(), part.parameter.name);
    at::Tensor mapped = tensor_over(stored, base_.values(stored));
    if (part.shared) mapped = mapped.view(-1).narrow(0, part.begin, part.current.numel());
    if (part.current.is_cpu()) return mapped.to(at::kFloat);
    at::Tensor& uploaded = originals_[part.parameter.name];
    if (!uploaded.defined()) uploaded = mapped.to(part.current.device());
    return uploaded.to(at::kFloat);
  }

  CausalLM& model_;
  const Checkpoint& base_;
  std::vector<Part> parts_;
  // On a GPU: the base as it is stored, so that each α uploads nothing. Freed before a further training.
  mutable std::map<std::string, at::Tensor> originals_;
};

// The same of a model whose matrices several ranks hold together. What rank 0 does, all ranks do, while they serve it.
// Before that each rank prepares its own parts: the functions for further trainings need no other rank.
class SharedWeightsVector : public WeightsVector {
 public:
  SharedWeightsVector(CausalLM& model, const Checkpoint& base)
      : WeightsVector(model, base), group_(static_cast<ShardedLayers&>(*model.layer_weights).group()) {
    apply_ = group_.offer([this](Group& group, std::int64_t, const std::vector<bool>&) {
      group.share(std::as_writable_bytes(std::span(&scale_, 1)));
      WeightsVector::apply(scale_);
    });
    restore_ = group_.offer([this](Group&, std::int64_t, const std::vector<bool>&) { WeightsVector::restore(); });
    change_ = group_.offer([this](Group& group, std::int64_t, const std::vector<bool>&) {
      const Moved own = moved([&](const Part& part) { return part.shared || group.rank() == 0; });
      std::vector<Moved> all(static_cast<std::size_t>(group.size()));
      group.gather(std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(all)));
      moved_ = {};
      for (const Moved& each : all) moved_ = {moved_.squares + each.squares, moved_.weights + each.weights};
    });
  }

  void apply(double scale) override {
    scale_ = scale;
    group_.ask(apply_, 0);
  }
  void restore() override { group_.ask(restore_, 0); }
  double change() const override {
    group_.ask(change_, 0);
    return rms(moved_);
  }

 private:
  ServingGroup& group_;
  std::int64_t apply_ = 0, restore_ = 0, change_ = 0;  // works of the group
  double scale_ = 0;
  Moved moved_;
};

// LoRA. The original's weights never change. τ is the product of the adapters, applied with their scale.
class AdapterVector : public TaskVector {
 public:
  AdapterVector(const std::vector<NamedLora>& adapters, const LoraSettings& settings, const std::string& base_name)
      : adapters_(adapters), settings_(settings), base_name_(base_name) {
    for (const NamedLora& adapter : adapters_) trained_scales_.push_back(adapter.pair->scale);
    if (adapters_.empty()) return;
    const std::int64_t rank = adapters_.front().pair->a.size(0);  // several times lora.rank after a join()
    settings_.alpha *= static_cast<double>(rank) / static_cast<double>(settings_.rank);
    settings_.rank = rank;
  }

  // B takes sign and size, so that the scale still equals that of the adapter's configuration.
  void retake() override {
    const c10::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
      LoraPair& pair = *adapters_[i].pair;
      pair.b.mul_(pair.scale / trained_scales_[i]);
      pair.scale = trained_scales_[i];
    }
  }

  void set_aside(std::uint64_t seed) override {
    for (const NamedLora& adapter : adapters_) apart_.push_back(*adapter.pair);
    renew_lora(adapters_, seed);
  }

  void begin_at(double scale) override {
    const c10::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
      LoraPair& pair = *adapters_[i].pair;
      apart_.push_back(pair);
      pair = {pair.a.detach().clone(), scale * pair.b.detach(), trained_scales_[i]};
    }
  }

  void join(double factor) override {
    const c10::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
      LoraPair& pair = *adapters_[i].pair;
      pair.a = at::cat({pair.a.detach(), apart_[i].a.detach()}, 0);
      pair.b = at::cat({pair.b.detach(), factor * apart_[i].b.detach()}, 1);
    }
  }

  void apply(double scale) override {
    for (std::size_t i = 0; i < adapters_.size(); ++i) adapters_[i].pair->scale = scale * trained_scales_[i];
  }

  void restore() override {
    for (std::size_t i = 0; i < adapters_.size(); ++i) adapters_[i].pair->scale = trained_scales_[i];
  }

  // ‖B·A‖² = Σ (BᵀB ∘ AAᵀ): the product is never made.
  double change() const override {
    const c10::NoGradGuard no_gradient;
    double squares = 0, weights = 0;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
      const at::Tensor a = adapters_[i].pair->a.detach().to(at::kDouble),
                       b = adapters_[i].pair->b.detach().to(at::kDouble);
      const double product = (b.t().matmul(b) * a.matmul(a.t())).sum().item<double>();
      squares += trained_scales_[i] * trained_scales_[i] * product;
      weights += static_cast<double>(b.size(0) * a.size(1));
    }
    return weights == 0 ? 0 : std::sqrt(std::max(squares, 0.0) / weights);
  }

  void write(double scale, const std::filesystem::path& folder) override {
    write_adapter(adapters_, settings_, base_name_, folder, scale);
  }

  void write_trained(const std::filesystem::path& folder) override {
    write_adapter(adapters_, settings_, base_name_, folder, 1.0, Access::owner_only);
  }

 private:
  void shape_by(const Factors& factors, std::int64_t rank) override {
    for (const NamedLora& adapter : adapters_) {
      stop_if_interrupted();
      const at::Tensor strongest = low_rank_of_product(adapter.pair->b, adapter.pair->a, rank);
      adapter.pair->b.copy_(factors.of(adapter.module) * strongest);
    }
  }

  std::vector<NamedLora> adapters_;
  LoraSettings settings_;
  std::string base_name_;
  std::vector<double> trained_scales_;
  std::vector<LoraPair> apart_;
};

}  // namespace

std::unique_ptr<TaskVector> task_vector_of(CausalLM& model, const Checkpoint& base,
                                           const std::vector<NamedLora>& adapters, const Recipe& recipe) {
  if (adapters.empty() && model.layer_weights) return std::make_unique<SharedWeightsVector>(model, base);
  if (adapters.empty()) return std::make_unique<WeightsVector>(model, base);
  return std::make_unique<AdapterVector>(adapters, recipe.lora, recipe.model);
}

}  // namespace lethe
