// The page of `lethe serve`: original and unlearned side by side, with the slider of α for a run.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/json.h"
#include "server/page_alpha.h"
#include "server/page_judge.h"
#include "server/routes.h"
#include "server/server.h"

namespace lethe {

/// The original that the page compares the first run's model with: marks it among the sources if it is there, else adds
/// it as find_original() does. Says so if the run's base is not found. Does nothing without a run.
void add_original_of_run(std::vector<ModelSource>& sources);

/// Options for the original: with the template that the first run was made with, unless the user has set one. Else the
/// two models would not be asked the same.
LiveModelOptions as_for_run(LiveModelOptions options, const std::vector<ModelSource>& sources);

/// The routes of the page. Answers come from OpenAI's API (add_api()), greedily.
///
///     GET  /              the page itself, for anybody: it holds no text of the run and asks for the key
///     GET  /lethe/run     compare_data() and {"models", "judge"}; without a run only names
///     GET  /lethe/alpha   {"alpha", "parts": {"safe", "harm"}}; alpha is null while it is being set
///     POST /lethe/alpha   {"alpha", "parts"?} sets the unlearned model; the same and "seconds" come back
///     POST /lethe/judge   {"prompt", "response"}; {"verdict", "tone"} come back
///
/// POST routes take application/json alone. With server/http_server.h's checks of host and origin, no page of another
/// origin can call them.
class ComparePage {
 public:
  /// Takes the first model that is the result of a run, and the original (ModelSource::original). It opens the run's
  /// data and judge, and puts a LoRA run's adapter beside the weights. A run without an α has no slider.
  /// @param models   outlive this object; nobody asks the run's model meanwhile
  /// @throws Error as AlphaDial
  ComparePage(const LiveModels& models, const Compute& compute);

  /// This object must outlive the routes.
  void add_routes(Routes& routes);

 private:
  OrderedJson run_json() const;
  OrderedJson alpha_json() const;
  OrderedJson set_alpha(const Json& request, const std::function<bool()>& connected);
  OrderedJson judge(const Json& request);
  void open_run(const Compute& compute);

  LiveModel* unlearned_ = nullptr;
  LiveModel* original_ = nullptr;
  std::optional<ComparedRun> run_;
  std::optional<AlphaDial> dial_;  // used by the model's thread
  std::optional<PageJudge> judge_;
  OrderedJson data_;
  mutable std::mutex mutex_;
  double alpha_ = 0;  // of the model now; NaN: not known
  VectorParts parts_;
};

}  // namespace lethe
