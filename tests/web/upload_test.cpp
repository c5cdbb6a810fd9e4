// lethe push: what reaches the Hub, what is sent only once, what is refused, and where the token goes.
#include "web/upload.h"

#include "core/files.h"
#include "said.h"
#include "web/fake_hub.h"

namespace lethe {
namespace {

class UploadTest : public HubTest {
 protected:
  void SetUp() override {
    HubTest::SetUp();
    setenv("HF_TOKEN", "hf_secret", 1);
    hub.exists = false;
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = static_cast<char>(i * i % 251);
    write_file(folder_ / "weights", weights_);
  }
  Upload upload() const {
    const auto mapped = std::make_shared<const MappedFile>(folder_ / "weights");
    return {.name = {.repository = "org/model"},
            .files = {{.path = "README.md", .mapped = nullptr, .text = "# \xf0\x9f\xa6\x99 ours\n"},
                      {.path = "config.json", .mapped = nullptr, .text = "{}"},
                      {.path = "model.safetensors", .mapped = mapped, .text = ""}},
            .summary = "a summary"};
  }
  std::string failure(const Upload& upload) const {
    try {
      upload_files(upload);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("hf_secret"), std::string::npos) << error.what();
      return error.what();
    }
    return "no error";
  }
  void expect_failure(const Upload& upload, const std::string& wanted) const {
    const std::string message = failure(upload);
    EXPECT_NE(message.find(wanted), std::string::npos) << "wanted " << wanted << " in\n" << message;
  }
  std::size_t count_of(const std::string& target) const {
    return static_cast<std::size_t>(std::count_if(
        hub.requests.begin(), hub.requests.end(),
        [&](const std::string& request) { return target_of(request).find(target) != std::string::npos; }));
  }

  std::string weights_ = std::string(3'000'000, ' ');
};

TEST_F(UploadTest, CreatesAPrivateRepositoryAndCommitsEverythingAtOnce) {
  EXPECT_EQ(upload_files(upload()), hub.origin() + "/org/model");
  EXPECT_TRUE(hub.is_private);
  EXPECT_EQ(hub.files["README.md"].content, "# \xf0\x9f\xa6\x99 ours\n");
  EXPECT_EQ(hub.files["config.json"].content, "{}");
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
  EXPECT_EQ(hub.commits.size(), 1U);
  EXPECT_EQ(hub.storage_requests.size(), 1U);
  const std::vector<JsonLine> lines = parse_json_lines(hub.commits.at(0), "commit");
  EXPECT_EQ(lines.at(0).value["value"]["summary"], "a summary");
  EXPECT_EQ(lines.at(0).value["value"]["parentCommit"], "0123456789abcdef0123456789abcdef01234567");
  for (const std::string& request : hub.requests) {
    EXPECT_EQ(header_in(request, "Authorization"), "Bearer hf_secret");
    const bool commits = target_of(request).ends_with("/commit/main"), asks = target_of(request).ends_with("/batch");
    const std::string type = header_in(request, "Content-Type");
    EXPECT_TRUE(!commits || type == "application/x-ndjson") << type;
    EXPECT_TRUE(!asks || type == "application/vnd.git-lfs+json") << type;
    if (!target_of(request).ends_with("/preupload/main")) continue;
    const Json file = parse_json(body_of(request), "preupload")["files"].at(2);
    EXPECT_EQ(from_base64(file["sample"]), weights_.substr(0, 512));
    EXPECT_EQ(file["size"], weights_.size());
  }
  for (const std::string& request : hub.storage_requests)
    EXPECT_EQ(header_in(request, "Authorization"), "") << "secret";
}

TEST_F(UploadTest, SendsLargeFilesInTheHubsParts) {
  hub.part = 1'100'000;
  upload_files(upload());
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
  EXPECT_EQ(hub.storage_requests.size(), 3U);
  for (const std::string& request : hub.storage_requests)
    EXPECT_EQ(header_in(request, "Authorization"), "") << "secret";
}

TEST_F(UploadTest, SendsAPartAgainAfterAFaultThatPasses) {
  hub.part = 1'100'000;
  int times = 0;
  hub.storage_instead = [&](const std::string&) -> ServedReply {
    return times++ == 1 ? ServedReply{http_reply("500 Internal Server Error", "slow down", "Retry-After: 1\r\n")}
                        : ServedReply{};
  };
  upload_files(upload());
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
  EXPECT_EQ(hub.storage_requests.size(), 4U);
}

TEST_F(UploadTest, SendsNothingTwice) {
  upload_files(upload());
  const Said said;
  upload_files(upload());
  EXPECT_NE(said.texts.find("nothing was sent"), std::string::npos) << said.texts;
  EXPECT_EQ(hub.commits.size(), 1U);
  EXPECT_EQ(hub.storage_requests.size(), 1U);
}

TEST_F(UploadTest, ContinuesAfterACommitThatFailed) {
  hub.instead = [](const std::string& request) -> ServedReply {
    if (!target_of(request).ends_with("/commit/main")) return {};
    return {http_reply("503 Service Unavailable", "")};
  };
  expect_failure(upload(), "HTTP status 503");
  EXPECT_EQ(count_of("/commit/main"), 1U) << "a commit is not repeated blindly";
  hub.instead = [](const std::string&) { return ServedReply{}; };
  upload_files(upload());
  EXPECT_EQ(hub.storage_requests.size(), 1U) << "the weights were there already";
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
}

TEST_F(UploadTest, FindsACommitWhoseReplyWasLost) {
  hub.lose_commit_reply = true;
  EXPECT_EQ(upload_files(upload()), hub.origin() + "/org/model");
  EXPECT_EQ(hub.commits.size(), 1U);
}

TEST_F(UploadTest, FindsACommitWhoseReplyBreaksOff) {
  hub.break_commit_reply = true;
  EXPECT_EQ(upload_files(upload()), hub.origin() + "/org/model");
  EXPECT_EQ(hub.commits.size(), 1U);
}

TEST_F(UploadTest, FindsARepositoryWhoseCreationHadNoReply) {
  int times = 0;
  hub.instead = [&](const std::string& request) -> ServedReply {
    if (target_of(request) != "/api/repos/create" || times++ > 0) return {};
    hub.exists = true;
    hub.files.clear();
    return {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{"};
  };
  EXPECT_EQ(upload_files(upload()), hub.origin() + "/org/model");
  EXPECT_EQ(times, 2);
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
}

TEST_F(UploadTest, ComparesWhatTheHubHoldsAfterwards) {
  hub.instead = [&](const std::string& request) -> ServedReply {
    if (target_of(request).ends_with("/commit/main")) {
      hub.files["config.json"] = {"{ }"};
      return {http_reply("200 OK", "{}")};
    }
    return {};
  };
  expect_failure(upload(), "another content on the Hub: README.md, config.json, model.safetensors");
}

TEST_F(UploadTest, LeavesAFilledRepositoryAloneUnlessAllowed) {
  hub.exists = true;
  hub.files = {{".gitattributes", {""}}, {"README.md", {"theirs"}}, {"old.safetensors", {"old", true}}};
  expect_failure(upload(), "README.md, old.safetensors");
  EXPECT_EQ(hub.requests.size(), 1U);
  Upload allowed = upload();
  allowed.update = true;
  {
    const Said said;
    upload_files(allowed);
    EXPECT_NE(said.texts.find("README.md of org/model stays"), std::string::npos) << said.texts;
    EXPECT_NE(said.texts.find("other weights, which stay: old.safetensors"), std::string::npos) << said.texts;
  }
  EXPECT_EQ(hub.files["README.md"].content, "theirs");
  EXPECT_EQ(hub.files["old.safetensors"].content, "old");
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
  allowed.replace_card = true;
  upload_files(allowed);
  EXPECT_EQ(hub.files["README.md"].content, "# \xf0\x9f\xa6\x99 ours\n");
}

TEST_F(UploadTest, RefusesToLeaveFilesForWhichAnotherModelIsLoaded) {
  const auto expect_refused = [&](const std::string& there, Upload sent, const std::string& why) {
    hub.exists = true;
    hub.files = {{there, {"old"}}};
    sent.update = true;
    expect_failure(sent, there + ": " + why);
    expect_failure(sent, "delete it at " + hub.origin() + "/org/model/tree/main");
    EXPECT_EQ(count_of("preupload"), 0U);
  };
  Upload shards = upload();
  shards.files.back().path = "model-00001-of-00001.safetensors";
  shards.files.push_back({.path = "model.safetensors.index.json", .mapped = nullptr, .text = "{}"});
  expect_refused("model.safetensors", shards, "transformers would load this file instead");
  expect_refused("model.safetensors.index.json", upload(), "some programs would load the shards");
  expect_refused("adapter_config.json", upload(), "transformers and PEFT would add this old adapter");

  Upload adapter = upload();
  adapter.update = true;
  adapter.files.at(1).path = "adapter_config.json";
  adapter.files.at(2).path = "adapter_model.safetensors";
  hub.files = {{"adapter_config.json", {"old"}}};
  upload_files(adapter);
  EXPECT_EQ(hub.files["adapter_config.json"].content, "{}");
}

TEST_F(UploadTest, AnEmptyRepositoryIsAsGoodAsANewOne) {
  hub.exists = true;
  hub.files = {{".gitattributes", {""}}};
  upload_files(upload());
  EXPECT_EQ(count_of("/api/repos/create"), 0U);
  EXPECT_EQ(hub.files["model.safetensors"].content, weights_);
}

TEST_F(UploadTest, IsPrivateUnlessTheUserSaysPublic) {
  Upload open = upload();
  open.is_public = true;
  upload_files(open);
  EXPECT_FALSE(hub.is_private);
  expect_failure(upload(), "--public publishes the model");
  hub.is_private = true;
  const Said said;
  upload_files(open);
  EXPECT_NE(said.texts.find("org/model stays private"), std::string::npos) << said.texts;
}

TEST_F(UploadTest, SendsNothingIfTheHubMakesAPublicRepository) {
  hub.instead = [&](const std::string& request) -> ServedReply {
    if (target_of(request) != "/api/repos/create") return {};
    hub.exists = true;
    hub.is_private = false;
    hub.files.clear();
    return {http_reply("200 OK", "{}")};
  };
  expect_failure(upload(), "the Hub made a public one");
  EXPECT_EQ(count_of("preupload"), 0U);
}

TEST_F(UploadTest, RefusesARenamedRepositoryAndNamesTheNewOne) {
  hub.exists = true;
  hub.name = "org/renamed";
  hub.files.clear();
  hub.instead = [&](const std::string& request) -> ServedReply {
    if (!target_of(request).starts_with("/api/models/org/model/")) return {};
    return {http_reply("307 Temporary Redirect", "", "Location: /api/models/org/renamed/revision/main\r\n")};
  };
  Upload update = upload();
  update.update = true;
  for (const Upload& one : {upload(), update}) {
    expect_failure(one, "org/model is now called org/renamed");
    expect_failure(one, "push to org/renamed");
  }
  EXPECT_TRUE(hub.files.empty());
  for (const std::string& request : hub.requests) EXPECT_EQ(method_of(request), "GET");
}

TEST_F(UploadTest, NeedsATokenANameAndAConnection) {
  for (const char* name : {"model", "a/b/c", "org/", "org/model@v2"}) {
    Upload wrong = upload();
    wrong.name = split_hub_name(name);
    EXPECT_NE(failure(wrong).find("OWNER/NAME"), std::string::npos) << name << "\n" << failure(wrong);
  }
  unsetenv("HF_TOKEN");
  EXPECT_NE(refusal_of([&] { upload_files(upload()); }).find("hf auth login"), std::string::npos);
  setenv("HF_TOKEN", "hf_secret", 1);
  setenv("HF_HUB_OFFLINE", "1", 1);
  expect_failure(upload(), "HF_HUB_OFFLINE is set");
  unsetenv("HF_HUB_OFFLINE");
  setenv("HF_ENDPOINT", "http://no-such-host.invalid", 1);
  const Said said;
  expect_failure(upload(), "an encrypted connection");  // the token was dropped
  for (const std::string& request : hub.requests) EXPECT_EQ(method_of(request), "GET");
}

TEST_F(UploadTest, NamesWhatTheHubRefuses) {
  struct Case {
    const char *target, *status, *body, *wanted;
  };
  for (const Case& one : {
           Case{"/api/repos/create", "401 Unauthorized", R"({"error": "Invalid hf_secret"})",
                "refuses the token: Invalid ***"},
           Case{"/api/repos/create", "403 Forbidden", R"({"error": "not yours"})", "may not write there: not yours"},
           Case{"/api/repos/create", "409 Conflict", "", "a repository of this name that the token may not see"},
           Case{"/api/repos/create", "400 Bad Request", R"({"error": "Invalid name"})",
                "does not take it: Invalid name"},
           Case{"/api/models/org/model/preupload/main", "403 Forbidden", "", "may not write there"},
           Case{"/org/model.git/info/lfs/objects/batch", "402 Payment Required", "", "no more storage for org"},
           Case{"/org/model.git/info/lfs/objects/batch", "507 Insufficient Storage", "", "no more storage for org"},
           Case{"/api/models/org/model/commit/main", "412 Precondition Failed", "", "somebody else changed"},
           Case{"/api/models/org/model/commit/main", "429 Too Many Requests", "", "too many requests"},
       }) {
    hub.exists = false;
    hub.instead = [&](const std::string& request) -> ServedReply {
      return target_of(request) == one.target ? ServedReply{http_reply(one.status, one.body, "Retry-After: 1\r\n")}
                                              : ServedReply{};
    };
    expect_failure(upload(), one.wanted);
  }
  hub.instead = [](const std::string&) { return ServedReply{}; };
  hub.ignored = "config.json";
  expect_failure(upload(), ".gitignore leaves out config.json");
  hub.ignored = "";
  hub.storage_instead = [](const std::string&) { return ServedReply{http_reply("403 Forbidden", "expired")}; };
  hub.objects.clear();
  expect_failure(upload(), "the storage answers with HTTP status 403");
}

TEST_F(UploadTest, RefusesAHostileAnswer) {
  const std::string oid = sha256_text(weights_);
  const auto object = [&](const Json& upload) {
    return Json{{"objects", Json::array({{{"oid", oid}, {"size", 3'000'000}, {"actions", {{"upload", upload}}}}})}};
  };
  const std::string place = "http://127.0.0.1:1/x";
  struct Case {
    Json answer;
    const char* wanted;
  };
  for (const Case& one : {
           Case{Json::array(), "where to upload the files"},
           Case{{{"objects", 7}}, "where to upload the files"},
           Case{{{"objects", Json::array({7})}}, "only files that were named"},
           Case{{{"objects", Json::array({{{"oid", std::string(64, 'a')}}})}}, "only files that were named"},
           Case{object({{"href", 7}}), "addresses to upload to"},
           Case{object({{"href", "http://example.org/x"}}), "an encrypted connection"},
           Case{object({{"href", "file:///etc/passwd"}}), "http:// or https://"},
           Case{object({{"href", place}, {"header", {{"chunk_size", "0"}, {"1", place}}}}), "parts of a size"},
           Case{object({{"href", place}, {"header", {{"chunk_size", "1"}, {"1", place}}}}), "parts of a size"},
           Case{object({{"href", place}, {"header", {{"chunk_size", 2'000'000}, {"1", place}}}}),
                "addresses to upload"},
           Case{{{"objects", Json::array({{{"oid", oid}, {"error", {{"code", 422}, {"message", "too\nbig"}}}}})}},
                "the Hub's storage refuses it: too\\nbig"},
       }) {
    hub.exists = false;
    hub.instead = [&](const std::string& request) -> ServedReply {
      return target_of(request).ends_with("/batch") ? ServedReply{http_reply("200 OK", dump_json(one.answer))}
                                                    : ServedReply{};
    };
    expect_failure(upload(), one.wanted);
    EXPECT_TRUE(hub.commits.empty()) << dump_json(one.answer);
  }
  for (const char* body : {"<html>", "[]", "{}", R"({"files": [{"path": "README.md", "uploadMode": "xet"}]})"}) {
    hub.exists = false;
    hub.instead = [&](const std::string& request) -> ServedReply {
      return target_of(request).ends_with("/preupload/main") ? ServedReply{http_reply("200 OK", body)} : ServedReply{};
    };
    expect_failure(upload(), "how to store");
  }
}

}  // namespace
}  // namespace lethe
