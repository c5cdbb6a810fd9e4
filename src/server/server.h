// The server: models by name, OpenAI's API over them, and the pages that others add.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/routes.h"
#include "server/served_model.h"

namespace lethe {

/// The models of one process, in the order of the command line; the original last.
class LiveModels {
 public:
  explicit LiveModels(std::vector<std::unique_ptr<LiveModel>> models) : models_(std::move(models)) {}
  /// @throws ApiError (404) if there is no model of this name
  LiveModel& named(const std::string& name) const;
  const std::vector<std::unique_ptr<LiveModel>>& all() const { return models_; }

 private:
  std::vector<std::unique_ptr<LiveModel>> models_;
};

/// GET /health, GET /v1/models, POST /v1/completions, POST /v1/chat/completions. @param seed  of requests that name
/// none
void add_api(Routes& routes, const LiveModels& models, std::uint64_t seed);

// Pages add their routes likewise, in files of their own (server/page*.cpp): GET / and /lethe/….

}  // namespace lethe
