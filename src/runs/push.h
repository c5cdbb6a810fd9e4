// `lethe push`: a run's model or adapter, with its card, to the Hugging Face Hub.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

struct PushRequest {
  std::filesystem::path run;  ///< a finished run of unlearn or finetune, or its model/ or adapter/
  std::string name;           ///< "owner/name" on the Hub
  std::string base_name;      ///< the base's name on the Hub, for the card and the adapter; empty: as the run knows it
  bool is_public = false;     ///< else the repository is private
  bool update = false;        ///< the repository may hold other files already
  bool replace_card = false;  ///< its README.md may be replaced
  bool anyway = false;        ///< also without a verdict, or with a red one
  bool dry_run = false;       ///< print the plan and stop; connects to nobody
};

/// Prints what will be sent, then sends it (web/upload.h). Sends only what model/ or adapter/ holds of a checkpoint or
/// an adapter: weights, configuration, tokenizer, card, licence. θ_bad, snapshots, data and predictions are elsewhere
/// in a run, and are never sent. Files must have the hashes of run.json. Paths of this machine are replaced by names.
/// Warns of an amber verdict, with its reasons.
/// @return the address of the repository's page; empty for a dry run
/// @throws Error (bad input) for a run that is not finished, was changed, is harmful, or has no verdict or a red one
///         without `anyway`; as upload_files()
std::string push_run(const PushRequest& request);

}  // namespace lethe
