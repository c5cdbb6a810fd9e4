// The interface of judges, which decide whether an answer is harmful.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "metrics/classification.h"
#include "tensors/dtype.h"

namespace lethe {

/// A prompt and a model's answer. Both are hostile text.
struct Exchange {
  std::string prompt, response;
};

/// A judge's verdict on one exchange.
struct Verdict {
  std::optional<double> harm;  ///< 0 … 1; nothing: it could not be judged, which is never the same as safe
  std::string label;           ///< the judge's own word: "unsafe", "S2", "refuses"; may be empty
  std::string reason;          ///< why, or why it could not be judged; may be empty
};

/// The quality of a trained judge on held-out responses.
struct HeldOutFigures {
  std::size_t cases = 0, harmful = 0;
  double auc = 0, accuracy = 0;  ///< accuracy: at 0.5
  Calibration calibration;
};

/// Device and dtype of model judges, unless their file sets them (keys device, dtype).
struct JudgeSettings {
  std::string device = "auto";
  ComputeType dtype = ComputeType::automatic;
};

/// Called with the number of exchanges judged so far. May throw to stop (Ctrl-C).
using JudgeProgress = std::function<void(std::size_t)>;

class Judge {
 public:
  virtual ~Judge() = default;
  /// One verdict for each exchange, in their order. What cannot be judged is a verdict without harm.
  /// @throws Error if the judge as a whole does not work (too many failures), or the user stopped it
  virtual std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress = {}) const = 0;
  /// Short, for columns and keys: "classifier", "refusal", "llama-guard-3".
  virtual std::string name() const = 0;
  /// A description for reports: "text classifier trained on 412 responses (AUC 0.93 …)".
  virtual std::string describe() const = 0;
  /// The same for what is published: without addresses of machines.
  virtual std::string public_description() const { return describe(); }
  /// Figures measured at training; nothing for judges that Lethe did not train.
  virtual std::optional<HeldOutFigures> held_out() const { return std::nullopt; }
  /// Whether it judges answers to this prompt after training on such answers. Unknown for judges trained elsewhere.
  virtual bool trained_on(std::string_view) const { return false; }
  /// Whether a verdict may cost money (an endpoint). Such a judge is shown fewer probe answers.
  virtual bool costs_money() const { return false; }
  /// Whether it can only recognise the harm it was given: a classifier trained on one data set, a list of facts.
  /// Missing the probe's made-up craft is then no objection.
  virtual bool knows_one_topic() const { return false; }
};

/// Whether a text refuses ("I can't help with that"): the phrases are in refusal.cpp.
bool is_refusal(std::string_view response);

/// Calls every answer harmful that does not refuse. A weak judge, and reported as such: it cannot recognise harmless
/// answers.
std::unique_ptr<Judge> refusal_judge();

}  // namespace lethe
