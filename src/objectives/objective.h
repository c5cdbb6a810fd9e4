// The interface between training and methods: an objective turns a step's rows into named terms and one loss.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lethe {

/// The loss of one micro-batch.
struct StepLoss {
  at::Tensor loss;            ///< scalar with gradient: Σ weight · term
  at::Tensor forget, retain;  ///< the two parts of `loss` that objective.gru sets against each other; may be undefined
  /// "gd", "rd", "kl", …: plain means in nats, before weights and sign. Scalars on the model's device, so that a step
  /// never waits for it.
  std::map<std::string, at::Tensor> terms;
  std::int64_t tokens = 0;  ///< prompt and response tokens of the rows, each row counted whole
};

/// Tensors by name.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Reads scalars of one device in one transfer, which waits for the device's pending work.
std::map<std::string, double> values_of(const std::map<std::string, at::Tensor>& scalars);

class Objective {
 public:
  virtual ~Objective() = default;
  /// @param micro  running number of the micro-batch since the start of training: step · accumulate + i. The rows, and
  ///               every random choice, depend on it alone.
  virtual StepLoss loss(std::uint64_t micro) = 0;
  /// Names of the terms, in display order.
  virtual std::vector<std::string> terms() const = 0;
  /// What decides later steps besides the weights: a dual variable, a moving average. The tensors are the objective's
  /// own; snapshots keep them. They may change in stepped() only.
  virtual NamedTensors state() { return {}; }
  /// Called after each whole step with the means of its terms. An interrupted step never gets here; a resumed run
  /// computes it again.
  virtual void stepped(const std::map<std::string, double>& /*terms*/) {}
  /// Terms that are meant to rise without bound: the divergence guard sets them no limit.
  virtual std::set<std::string> rising() const { return {}; }
  /// What to change in the recipe if a term diverges; terms without an entry get the general advice.
  virtual std::map<std::string, std::string> advice() const { return {}; }
  /// Settings that keep the trained model nearer to the original, for advice if it changed too much: "train less: …".
  virtual std::string gentler() const { return "fewer training.steps, or a smaller training.lr"; }
  /// The recipe's key of the learning rate, for advice.
  virtual std::string rate_key() const { return "training.lr"; }
};

}  // namespace lethe
