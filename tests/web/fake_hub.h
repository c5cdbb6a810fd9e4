// A Hub on the loopback: one repository, its list of files, and a storage host of its own for large files. It can be
// read (pull) and written to (push).
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
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

inline std::string method_of(const std::string& request) {
  return request.substr(0, request.find(' '));
}
inline std::string body_of(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}
inline std::string from_base64(const std::string& text) {
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = letters.find(c);
    if (value == std::string::npos) break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 255U);
  }
  return bytes;
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

  bool exists = true, is_private = true;
  std::string ignored;                         ///< the file that .gitignore leaves out
  std::size_t part = 0;                        ///< bytes of a part of a large file; 0: it is sent whole
  std::map<std::string, std::string> objects;  ///< the storage of large files, by SHA-256
  std::vector<std::string> commits;            ///< the texts of the commits
  bool lose_commit_reply = false;              ///< the commit is made, and the connection closed without a word
  bool break_commit_reply = false;             ///< the commit is made, and its reply breaks off after the status

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
    return {http_reply(
        "200 OK", dump_json(Json{{"id", name}, {"sha", commit}, {"private", is_private}, {"siblings", siblings}}))};
  }

  static ServedReply json_answer(const Json& json) { return {http_reply("200 OK", dump_json(json))}; }
  static ServedReply refusal(const std::string& status, const std::string& error) {
    return {http_reply(status, dump_json(Json{{"error", error}}))};
  }
  ServedReply create(const Json& asked) {
    if (exists) return refusal("409 Conflict", "You already created this model repo");
    if (asked["organization"].get<std::string>() + "/" + asked["name"].get<std::string>() != name)
      return refusal("403 Forbidden", "You don't have the rights to create a model under this namespace");
    exists = true;
    is_private = asked["visibility"] == "private";
    files = {{".gitattributes", {"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}}};
    return json_answer({{"url", origin() + "/" + name}});
  }
  ServedReply preupload(const Json& asked) const {
    Json answer = Json::array();
    for (const Json& file : asked["files"]) {
      const auto path = file["path"].get<std::string>();
      answer.push_back({{"path", path},
                        {"uploadMode", path.ends_with(".safetensors") ? "lfs" : "regular"},
                        {"shouldIgnore", path == ignored}});
    }
    return json_answer({{"files", answer}});
  }
  ServedReply batch(const Json& asked) const {
    Json answer = Json::array();
    for (const Json& object : asked["objects"]) {
      const auto oid = object["oid"].get<std::string>();
      const auto size = object["size"].get<std::size_t>();
      Json one = {{"oid", oid}, {"size", size}};
      const Json verify = {{"href", origin() + "/verify/" + oid}};
      Json upload = {{"href", storage_.origin() + "/upload/" + oid}};
      if (part > 0 && size > part) {
        upload = {{"href", origin() + "/complete/" + oid}, {"header", {{"chunk_size", std::to_string(part)}}}};
        for (std::size_t i = 0; i * part < size; ++i)
          upload["header"][std::to_string(i + 1)] = storage_.origin() + "/part/" + oid + "/" + std::to_string(i + 1);
      }
      if (!objects.contains(oid)) one["actions"] = {{"upload", upload}, {"verify", verify}};
      answer.push_back(one);
    }
    return json_answer({{"transfer", part > 0 ? "multipart" : "basic"}, {"objects", answer}});
  }
  ServedReply complete(const std::string& oid, const Json& asked) {
    std::string whole;
    for (const Json& one : asked["parts"]) {
      const std::string& bytes = parts_[oid + "/" + std::to_string(one["partNumber"].get<int>())];
      if (one["etag"] != "\"" + git_blob_text(bytes) + "\"") return refusal("400 Bad Request", "another ETag");
      whole += bytes;
    }
    return keep(oid, whole);
  }
  ServedReply keep(const std::string& oid, const std::string& bytes) {
    if (sha256_text(bytes) != oid) return refusal("400 Bad Request", "another hash");
    objects[oid] = bytes;
    return json_answer({{"success", true}});
  }
  ServedReply take_commit(const std::string& text) {
    commits.push_back(text);
    const std::vector<JsonLine> lines = parse_json_lines(text, "commit");
    if (lines.at(0).value["value"]["parentCommit"] != commit)
      return refusal("412 Precondition Failed", "A commit has happened since.");
    for (const JsonLine& line : lines) {
      const Json& value = line.value["value"];
      if (line.value["key"] == "file") files[value["path"]] = {from_base64(value["content"])};
      if (line.value["key"] == "lfsFile") files[value["path"]] = {objects.at(value["oid"]), true};
    }
    commit = git_blob_text(text);
    if (lose_commit_reply) return {};
    if (break_commit_reply) return {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{\"commit"};
    return json_answer({{"commitOid", commit}, {"commitUrl", origin() + "/" + name + "/commit/" + commit}});
  }
  // The requests that change the repository.
  ServedReply take_post(const std::string& request) {
    const std::string target = target_of(request), models = "/api/models/" + name;
    const auto json = [&] { return parse_json(body_of(request), "request"); };
    if (target == "/api/repos/create") return create(json());
    if (target == models + "/preupload/main") return preupload(json());
    if (target == models + "/commit/main") return take_commit(body_of(request));
    if (target == "/" + name + ".git/info/lfs/objects/batch") return batch(json());
    if (target.starts_with("/complete/")) return complete(target.substr(10), json());
    if (target.starts_with("/verify/") && objects.contains(target.substr(8))) return json_answer(Json::object());
    return {http_reply("404 Not Found", "", "X-Error-Code: RepoNotFound\r\n")};
  }

  ServedReply answer(const std::string& request) {
    requests.push_back(request);
    if (ServedReply other = instead(request); !other.bytes.empty()) return other;
    if (method_of(request) == "POST") return take_post(request);
    if (!exists) return {http_reply("404 Not Found", "", "X-Error-Code: RepoNotFound\r\n")};
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
    if (method_of(request) == "PUT" && target.starts_with("/upload/")) return keep(target.substr(8), body_of(request));
    if (method_of(request) == "PUT") {
      const std::string& bytes = parts_[target.substr(6)] = body_of(request);
      return {http_reply("200 OK", "", "ETag: \"" + git_blob_text(bytes) + "\"\r\n")};
    }
    return content(files.at(target.substr(1, target.find('?') - 1)), request);
  }

  std::map<std::string, std::string> parts_;  // by SHA-256 and number: "…/2"
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
