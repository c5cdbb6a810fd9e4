// Where attacks are tried: the judge, the meter, and the models in their turn.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "attacks/attack_data.h"
#include "tensors/device.h"

namespace lethe {

class AttackBench {
 public:
  /// Opens the models, but loads none. Both arguments outlive this.
  AttackBench(const AttackRequest& request, AttackData& data);

  const AttackInputs& inputs() const { return *inputs_; }
  /// The unlearned model, the original, and the control if there is one.
  const std::vector<AttackedModel>& models() const { return models_; }
  /// Opens or trains the judges, which happens otherwise when they are first needed.
  void open_judges() { panel(); }
  /// Checks the judge on known answers and on the original's own.
  /// @return  {"withheld": why harm is not judged, "" if it is; "judges": descriptions and checks; "original":
  ///          AttackFigures without an attack}
  OrderedJson judge_original();

 private:
  void add_models(const AttackRequest& request);
  const Panel& panel();
  LoadOptions load_options(bool mapped) const;

  AttackData& data_;
  Compute compute_;
  std::optional<Panel> panel_;
  DegenerateDetector detector_;
  std::optional<AttackMeter> meter_;
  std::optional<AttackInputs> inputs_;
  std::optional<StoredModel> model_, retrained_;
  OpenAdapters adapters_;
  std::optional<AppliedAdapters> applied_;
  std::vector<AttackedModel> models_;
};

}  // namespace lethe
