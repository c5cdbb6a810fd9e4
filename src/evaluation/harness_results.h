// An evaluation in the shape of lm-evaluation-harness's results files, for programs that read these.
#pragma once

#include <string>

#include "core/json.h"
#include "evaluation/comparison.h"

namespace lethe {

/// What the file says about the model and the program.
struct HarnessRun {
  std::string model_name;  ///< a name, no path of the user's machine
  std::string model_args;  ///< "pretrained=…[,peft=…]"
  std::string lethe;       ///< version
  double date = 0;         ///< seconds since 1970
};

/// {"results": {"lethe_unseen": {"alias", "harmful,none", "harmful_stderr,none", …}, …}, "configs", "versions",
/// "n-shot", "higher_is_better", "n-samples", "config", …}: a task each set of prompts, of the unlearned model (or the
/// one there is). A standard error is that of the mean over prompts, or "N/A" where there is none (perplexities).
/// Values that were not measured are left out, and so are harm rates of a judge that failed its checks. Source of the
/// shape: lm_eval 0.4.13, result_schema.py and make_table() in utils.py.
OrderedJson harness_results(const Comparison& comparison, const HarnessRun& run);

}  // namespace lethe
