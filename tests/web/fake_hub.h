// A Hub on the loopback: one repository, its list of files, and a storage host of its own for large files.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "folder_test.h"
#include "web/digest.h"
#include "web/local_server.h"

namespace lethe {

inline std::string http_reply(const std::string& status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// The value of a request's header, or an empty text.
inline std::string header_in(const std::string& request, const std::string& name) {
  const std::size_t at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return request.substr(begin, request.find("\r\n", begin) - begin);
}
inline std::string target_of(const std::string& request) {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

inline std::string sha256_text(const std::string& bytes) {
  Digest digest = Digest::sha256();
  digest.add(bytes);
  return digest.hex();
}
inline std::string git_blob_text(const std::string& bytes) {
  Digest digest = Digest::git_blob(bytes.size());
  digest.add(bytes);
  return digest.hex();
}

class FakeHub {
 public:
  struct File {
    std::string content;
    bool large = false;
    std::string hash() const { return large ? sha256_text(content) : git_blob_text(content); }
  };

  std::string name = "org/model", commit = "0123456789abcdef0123456789abcdef01234567";
  std::map<std::string, File> files = {
      {"config.json", {R"({"model_type": "llama"})"}},
      {"tokenizer.json", {"{}"}},
      {"model.safetensors", {std::string(3'000'000, 'w'), true}},
      {"pytorch_model.bin", {"a pickle", true}},
      {"modeling.py", {"import os"}},
      {"README.md", {"# A model"}},
  };
  /// Sees every request first; a reply of its own replaces the Hub's.
  std::function<ServedReply(const std::string& request)> instead = [](const std::string&) { return ServedReply{}; };
  /// The same for the storage host.
  std::function<ServedReply(const std::string& request)> storage_instead = [](const std::string&) {
    return ServedReply{};
  };
  std::vector<std::string> requests, storage_requests;  ///< whole
  std::string origin() const { return hub_.origin(); }

 private:
  static ServedReply content(const File& file, const std::string& request) {
    const std::string range = header_in(request, "Range");
    if (range.empty()) return {http_reply("200 OK", file.content, "ETag: \"" + file.hash() + "\"\r\n")};
    const std::size_t from = std::stoul(range.substr(6)), size = file.content.size();
    if (from >= size) return {http_reply("416 Range Not Satisfiable", "")};
    return {http_reply("206 Partial Content", file.content.substr(from),
                       "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(size - 1) + "/" +
                           std::to_string(size) + "\r\n")};
  }
  ServedReply listing() const {
    Json siblings = Json::array();
    for (const auto& [path, file] : files) {
      Json entry = {{"rfilename", path}, {"size", file.content.size()}, {"blobId", git_blob_text(file.content)}};
      if (file.large) entry["lfs"] = {{"size", file.content.size()}, {"sha256", file.hash()}, {"pointerSize", 134}};
      siblings.push_back(entry);
    }
    return {http_reply("200 OK", dump_json(Json{{"id", name}, {"sha", commit}, {"siblings", siblings}}))};
  }
  ServedReply answer(const std::string& request) {
    requests.push_back(request);
    if (ServedReply other = instead(request); !other.bytes.empty()) return other;
    const std::string target = target_of(request), resolve = "/" + name + "/resolve/" + commit + "/";
    if (target.starts_with("/api/models/" + name + "/revision/")) return listing();
    const auto file = target.starts_with(resolve) ? files.find(target.substr(resolve.size())) : files.end();
    if (file == files.end()) return {http_reply("404 Not Found", "", "X-Error-Code: RepoNotFound\r\n")};
    if (!file->second.large) return content(file->second, request);
    return {http_reply("302 Found", "", "Location: " + storage_.origin() + "/" + file->first + "?signed=1\r\n")};
  }
  ServedReply store(const std::string& request) {
    storage_requests.push_back(request);
    if (ServedReply other = storage_instead(request); !other.bytes.empty()) return other;
    const std::string target = target_of(request);
    return content(files.at(target.substr(1, target.find('?') - 1)), request);
  }

  LocalServer storage_{[this](const std::string& request, int) { return store(request); }};
  LocalServer hub_{[this](const std::string& request, int) { return answer(request); }};
};

/// A cache of its own in each test's folder, and a Hub.
class HubTest : public FolderTest {
 protected:
  static constexpr std::array kVariables = {
      "HF_HUB_CACHE",  "HUGGINGFACE_HUB_CACHE", "HF_HOME",        "HF_TOKEN",
      "HF_TOKEN_PATH", "HF_ENDPOINT",           "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE",
      "http_proxy",    "https_proxy",           "all_proxy",      "HF_HUB_DISABLE_IMPLICIT_TOKEN"};
  void SetUp() override {
    FolderTest::SetUp();
    for (const char* name : kVariables) unsetenv(name);
    setenv("HF_HOME", (folder_ / "home").c_str(), 1);
    setenv("HF_ENDPOINT", hub.origin().c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : kVariables) unsetenv(name);
    FolderTest::TearDown();
  }
  fs::path repository() const { return folder_ / "home/hub/models--org--model"; }
  fs::path snapshot() const { return repository() / "snapshots" / hub.commit; }

  FakeHub hub;
};

}  // namespace lethe
