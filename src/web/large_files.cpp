#include "web/large_files.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/messages.h"

namespace lethe {
namespace {

constexpr std::size_t kBatch = 256;  // files a request, as huggingface_hub asks
constexpr std::size_t kPartsAtOnce = 4;
constexpr std::size_t kMostParts = 10'000;  // S3's limit
const std::vector<std::string> kLfsHeaders = {"Accept: application/vnd.git-lfs+json",
                                              "Content-Type: application/vnd.git-lfs+json"};

// One PUT: a whole file, or a part of it.
struct PartUpload {
  std::string path, url;
  std::string_view bytes;
  std::string etag;        // of the storage's reply
  std::uint64_t sent = 0;  // bytes of the running attempt
};

// What the Hub wants done with one file.
struct FileUpload {
  const LargeFile* file;
  std::size_t first = 0, parts = 0;  // its PUTs
  std::string complete;              // address to which the list of parts is posted; empty: one PUT
  std::string verify;                // address that confirms the upload; empty: none
};

Json objects_of(const HubTarget& target, const std::vector<LargeFile>& files, std::size_t begin, std::size_t end) {
  Json objects = Json::array();
  for (std::size_t i = begin; i < end; ++i)
    objects.push_back({{"oid", files[i].sha256}, {"size", files[i].bytes.size()}});
  const Json asked = {{"operation", "upload"},
                      {"transfers", {"basic", "multipart"}},
                      {"objects", objects},
                      {"hash_algo", "sha256"},
                      {"ref", {{"name", target.name.revision}}}};
  const std::string path = "/" + target.name.repository + ".git/info/lfs/objects/batch";
  const HttpReply reply = ask_hub(
      target,
      {.url = hub_url(target.hub, path), .secret_header = "", .json = dump_json(asked), .headers = kLfsHeaders});
  Json answer = json_reply(target, reply, "where to upload the files");
  if (!answer.value("objects", Json()).is_array()) throw odd_reply(target, "where to upload the files");
  return std::move(answer["objects"]);
}

// The address of an action, which must be as private as the connection to the Hub.
std::string address_of(const HubTarget& target, const Json& action) {
  const Json href = action.is_object() ? action.value("href", Json()) : Json();
  if (!href.is_string()) throw odd_reply(target, "addresses to upload to");
  check_redirect(target.hub.endpoint.url, href.get<std::string>());
  return href.get<std::string>();
}

// A number in a text or as JSON; 0 if it is neither.
std::uint64_t number_in(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  const bool digits = !text.empty() && text.size() < 16 && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? std::stoull(text) : 0;
}

class Uploads {
 public:
  explicit Uploads(const HubTarget& target) : target_(target) {}

  // Adds what an object of the Hub's answer asks for. Without actions the Hub has the content.
  void add(const Json& object, const std::map<std::string, const LargeFile*>& by_hash) {
    const Json oid = object.is_object() ? object.value("oid", Json()) : Json();
    const auto found = oid.is_string() ? by_hash.find(oid.get<std::string>()) : by_hash.end();
    if (found == by_hash.end()) throw odd_reply(target_, "only files that were named to it");
    const LargeFile& file = *found->second;
    if (const Json error = object.value("error", Json()); error.is_object()) {
      const Json words = error.value("message", Json());
      throw Error(target_.doing)
          .with("file", file.path)
          .found("the Hub's storage refuses it" +
                 (words.is_string() ? ": " + excerpt(words.get<std::string>(), 200) : std::string()));
    }
    const Json actions = object.value("actions", Json());
    if (!actions.is_object() || !actions.contains("upload")) return;
    const Json& upload = actions["upload"];
    FileUpload one{.file = &file, .first = parts_.size(), .parts = 1, .complete = "", .verify = ""};
    if (actions.contains("verify")) one.verify = address_of(target_, actions["verify"]);
    const Json header = upload.is_object() ? upload.value("header", Json()) : Json();
    if (header.is_object() && header.contains("chunk_size")) {
      one.complete = address_of(target_, upload);
      one.parts = add_parts(file, header);
    } else {
      parts_.push_back({.path = file.path, .url = address_of(target_, upload), .bytes = file.bytes, .etag = ""});
    }
    files_.push_back(std::move(one));
  }

  void send() {
    if (files_.empty()) return;
    send_parts();
    for (const FileUpload& one : files_) finish(one);
  }

 private:
  // The Hub gives an address for each part, under its number from 1.
  std::size_t add_parts(const LargeFile& file, const Json& header) {
    const std::uint64_t size = number_in(header["chunk_size"]);
    const std::size_t count = size == 0 ? 0 : (file.bytes.size() + size - 1) / size;
    if (count == 0 || count > kMostParts) throw odd_reply(target_, "parts of a size that fits the file");
    std::map<std::uint64_t, Json> addresses;  // some servers pad the numbers: "00001"
    for (const auto& [key, value] : header.items()) addresses[number_in(key)] = value;
    for (std::size_t i = 0; i < count; ++i) {
      parts_.push_back({.path = file.path,
                        .url = address_of(target_, {{"href", addresses[i + 1]}}),
                        .bytes = file.bytes.substr(i * size, size),
                        .etag = ""});
    }
    return count;
  }

  void send_parts() {
    std::uint64_t total = 0;
    for (const PartUpload& part : parts_) total += part.bytes.size();
    // The largest first, so that the last minutes are not spent on a single one.
    std::vector<std::size_t> order(parts_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return parts_[a].bytes.size() > parts_[b].bytes.size(); });
    Progress progress("uploading to " + target_.name.repository, total, "bytes");
    std::uint64_t sent = 0;
    const auto count = [&](PartUpload& part, std::uint64_t bytes) {
      sent = sent - part.sent + bytes;
      part.sent = bytes;
    };
    HttpCalls calls;
    calls.request = [&](std::size_t number) {
      PartUpload& part = parts_[order[number]];
      count(part, 0);
      progress.update(sent);
      return HttpRequest{.url = part.url,
                         .secret_header = secret_for(target_.hub, part.url),
                         .put = HttpUpload{part.bytes, [&](std::uint64_t bytes) {
                                             count(part, bytes);
                                             progress.update(sent);
                                           }}};
    };
    calls.read = [&](std::size_t number, const HttpReply& reply) {
      PartUpload& part = parts_[order[number]];
      progress.update(sent);
      if (succeeded(reply)) {
        part.etag = reply.header("etag");
        return HttpNext::finished;
      }
      if (reply.may_pass && reply.attempts_left) return HttpNext::later;
      throw refused(part, reply);
    };
    HttpOptions options = hub_write_options(target_.hub);
    options.parallel = kPartsAtOnce;
    options.most_bytes = 1 << 16;
    HttpPool(options).send_all(parts_.size(), calls);
  }

  Error refused(const PartUpload& part, const HttpReply& reply) const {
    Error error(target_.doing);
    error.with("file", part.path);
    error.found(reply.problem.empty() ? "the storage answers with HTTP status " + std::to_string(reply.status)
                                      : reply.problem);
    return error.hint("again; the files that were uploaded whole are kept");
  }

  // Joins the parts of a file, and has the Hub check it.
  void finish(const FileUpload& one) {
    if (!one.complete.empty()) {
      Json parts = Json::array();
      for (std::size_t i = 0; i < one.parts; ++i) {
        const std::string& etag = parts_[one.first + i].etag;
        if (etag.empty()) throw odd_reply(target_, "an ETag of each part of " + one.file->path);
        parts.push_back({{"partNumber", i + 1}, {"etag", etag}});
      }
      post(one.complete, {{"oid", one.file->sha256}, {"parts", parts}}, kLfsHeaders);
    }
    if (!one.verify.empty()) post(one.verify, {{"oid", one.file->sha256}, {"size", one.file->bytes.size()}}, {});
  }
  void post(const std::string& url, const Json& json, const std::vector<std::string>& headers) {
    const HttpReply reply =
        ask_hub(target_, {.url = url, .secret_header = "", .json = dump_json(json), .headers = headers});
    if (!succeeded(reply)) throw push_error(target_, reply);
  }

  const HubTarget& target_;
  std::vector<FileUpload> files_;
  std::vector<PartUpload> parts_;
};

}  // namespace

void upload_large_files(const HubTarget& target, const std::vector<LargeFile>& files) {
  std::vector<LargeFile> contents;  // each once
  std::map<std::string, const LargeFile*> by_hash;
  for (const LargeFile& file : files) {
    if (by_hash.emplace(file.sha256, &file).second) contents.push_back(file);
  }
  Uploads uploads(target);
  for (std::size_t begin = 0; begin < contents.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, contents.size());
    for (const Json& object : objects_of(target, contents, begin, end)) uploads.add(object, by_hash);
  }
  uploads.send();
}

}  // namespace lethe
