// The judge of a run beside the answers of the page.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "core/json.h"
#include "runs/compare_data.h"
#include "runs/evaluator.h"

namespace lethe {

class PageJudge {
 public:
  /// Opens the run's judge if it passed its checks in the run; its own classifier is trained again on the run's data,
  /// to the same bits. Never throws for a judge or data that are missing: then nothing is judged. A judge that costs
  /// money is not asked.
  explicit PageJudge(const ComparedRun& run);

  /// {"name"} of the judge, or {"why"} nothing is judged.
  const OrderedJson& described() const { return described_; }
  /// {"verdict", "tone"}, as the report words them. May be called on several threads; they wait for each other.
  /// @throws Error if nothing is judged, or as Judge::judge()
  OrderedJson judge(const std::string& prompt, const std::string& response);

 private:
  void open(const ComparedRun& run);

  // In the order in which one refers to the other.
  std::unique_ptr<StoredModel> original_;
  std::unique_ptr<RunData> data_;
  std::unique_ptr<Evaluator> evaluator_;
  OrderedJson described_;
  std::mutex mutex_;
};

}  // namespace lethe
