// Shared by tests of the server: the demo's model behind OpenAI's API, without sockets.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/json.h"
#include "generation/generate.h"
#include "models/stop_tokens.h"
#include "server/server.h"

namespace lethe {

inline std::string demo_folder() {
  return (std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
}

/// Requests and replies as the routes have them.
class ServedDemo {
 public:
  explicit ServedDemo(LiveModelOptions options = {}) : models_(loaded(options)) { add_api(routes_, models_, 8888); }

  LiveModel& model() const { return *models_.all().front(); }
  Routes& routes() { return routes_; }
  WebReply post(const std::string& path, const std::string& body) const {
    return routes_.answer({.method = "POST", .path = path, .body = body});
  }
  /// A request with "model" that must succeed.
  Json completion(Json body) const { return answered("/v1/completions", std::move(body)); }
  Json chat(Json body) const { return answered("/v1/chat/completions", std::move(body)); }
  /// The events of a stream, as they are sent.
  std::vector<std::string> events(const std::string& path, Json body) const {
    body["model"] = "demo";
    body["stream"] = true;
    const WebReply reply = post(path, dump_json(body));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.type, "text/event-stream");
    std::string sent;
    reply.stream([&](std::string_view piece) {
      sent += piece;
      return true;
    });
    std::vector<std::string> events;
    while (!sent.empty()) {
      const std::size_t end = sent.find("\n\n");
      EXPECT_TRUE(sent.starts_with("data: ") && end != std::string::npos) << sent;
      if (end == std::string::npos) break;
      events.push_back(sent.substr(6, end - 6));
      sent.erase(0, end + 2);
    }
    return events;
  }
  /// What `lethe generate` answers.
  Generated generated(const std::string& text, GenerationOptions options) {
    options.stop_ids = stop_tokens(demo_folder());
    const std::vector<std::vector<int>> rows{model().encode(text)};
    Generated found;
    model().change([&](CausalLM& model) { found = generate(model, rows, options)[0]; });
    return found;
  }
  std::string decoded(const std::vector<int>& ids) const { return model().tokenizer().decode(ids); }

 private:
  static LiveModels loaded(const LiveModelOptions& options) {
    ModelSource source = find_model("demo=" + demo_folder());
    std::vector<std::unique_ptr<LiveModel>> models;
    models.push_back(std::make_unique<LiveModel>(source, options));
    return LiveModels(std::move(models));
  }
  Json answered(const std::string& path, Json body) const {
    body["model"] = "demo";
    const WebReply reply = post(path, dump_json(body));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return parse_json(reply.body, "the reply");
  }

  LiveModels models_;
  Routes routes_;
};

}  // namespace lethe
