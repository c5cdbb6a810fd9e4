#include "web/upload.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/base64.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/join.h"
#include "core/messages.h"
#include "web/digest.h"
#include "web/hub_write.h"
#include "web/large_files.h"

namespace lethe {
namespace {

constexpr const char* kCard = "README.md";
constexpr std::size_t kSample = 512;                              // bytes by which the Hub decides how to store a file
constexpr std::size_t kPreupload = 256;                           // files a request
constexpr std::uint64_t kMostInCommit = std::uint64_t{64} << 20;  // bytes of files within the commit itself

std::string doing(const HubName& name) {
  return "cannot push to " + excerpt(name.repository, 200);
}

const HubFile* file_there(const HubListing& listing, const std::string& path) {
  const auto found =
      std::find_if(listing.files.begin(), listing.files.end(), [&](const HubFile& file) { return file.path == path; });
  return found == listing.files.end() ? nullptr : &*found;
}

// A file and the names of its content, each computed once.
class HashedFile {
 public:
  explicit HashedFile(const OutgoingFile& file) : file_(&file) {}

  const std::string& path() const { return file_->path; }
  std::string_view bytes() const { return file_->bytes(); }
  /// SHA-256, or of small files the name of a git blob, as HubFile::hash.
  const std::string& hash(bool sha256) {
    std::string& known = sha256 ? sha256_ : blob_;
    if (known.empty()) known = compute(sha256);
    return known;
  }
  bool is_in(const HubListing& listing) {
    const HubFile* there = file_there(listing, path());
    return there != nullptr && there->size == bytes().size() && there->hash == hash(there->hash.size() == 64);
  }

  bool large = false;  ///< whether the Hub stores it as a large file

 private:
  std::string compute(bool sha256) const {
    constexpr std::size_t kPiece = std::size_t{1} << 24;
    Digest digest = sha256 ? Digest::sha256() : Digest::git_blob(bytes().size());
    Progress progress("hashing " + path(), bytes().size(), "bytes");
    for (std::size_t at = 0; at < bytes().size(); at += kPiece) {
      const std::string_view piece = bytes().substr(at, kPiece);
      digest.add(piece);
      if (file_->mapped) file_->mapped->release(at, at + piece.size());
      progress.update(at + piece.size());
    }
    return digest.hex();
  }

  const OutgoingFile* file_;
  std::string sha256_, blob_;
};

HttpReply ask_to_create(const HubTarget& target, bool is_public) {
  const std::string& name = target.name.repository;
  const std::size_t slash = name.find('/');
  const Json asked = {{"organization", name.substr(0, slash)},
                      {"name", name.substr(slash + 1)},
                      {"visibility", is_public ? "public" : "private"}};
  return ask_hub(target,
                 {.url = hub_url(target.hub, "/api/repos/create"), .secret_header = "", .json = dump_json(asked)});
}

// The repository, which is created if there is none.
// @throws Error (bad input) if it is public and should not be, or has another name now
HubListing open_repository(const HubTarget& target, bool is_public) {
  std::optional<HubListing> found = find_files(target.hub, target.name, target.doing);
  bool created = false;
  if (!found) {
    const HttpReply reply = ask_to_create(target, is_public);
    // 409, "exists already": perhaps an earlier try made it, and its reply was lost.
    if (reply.status == 409) found = find_files(target.hub, target.name, target.doing);
    if (!found) {
      json_reply(target, reply, "the new repository");
      created = true;
      say("created " + target.name.repository + ", " + (is_public ? "public" : "private"));
      found = find_files(target.hub, target.name, target.doing);
      if (!found) throw odd_reply(target, "the repository that was created");
    }
  }
  if (found->name != target.name.repository) {
    throw bad_input(target.doing)
        .wanted("the present name of the repository, which the card will name")
        .found(target.name.repository + " is now called " + excerpt(found->name, 200))
        .hint("push to " + excerpt(found->name, 200) + " if that is the repository you mean, or to a new name");
  }
  const std::string page = hub_url(target.hub, "/" + found->name);
  if (!found->is_private && !is_public) {
    throw bad_input(target.doing)
        .wanted("a private repository")
        .found(created ? "the Hub made a public one" : "a public one")
        .hint("--public publishes the model; " + page + "/settings makes the repository private");
  }
  if (found->is_private && is_public && !created)
    warn(found->name + " stays private; " + page + "/settings makes it public");
  return *found;
}

bool is_weights(const std::string& path) {
  return path.ends_with(".safetensors") || path.ends_with(".bin") || path.ends_with(".safetensors.index.json");
}

// Why the pushed model would not be what programs load from a repository that keeps this file; empty: it would be.
std::string harm_of_keeping(const std::string& kept, const Upload& upload) {
  const auto sends = [&](std::string_view path) {
    return std::any_of(upload.files.begin(), upload.files.end(),
                       [&](const OutgoingFile& one) { return one.path == path; });
  };
  const std::string single = "model.safetensors", index = "model.safetensors.index.json";
  if (kept == single && sends(index)) return "transformers would load this file instead of the shards";
  if (kept == index && sends(single)) return "some programs would load the shards that it lists instead";
  if (kept == "adapter_config.json" && sends("config.json") && !sends(kept))
    return "transformers and PEFT would add this old adapter to the model";
  return "";
}

void refuse_harmful_rest(const HubTarget& target, const Upload& upload, const std::vector<std::string>& kept) {
  for (const std::string& path : kept) {
    const std::string harm = harm_of_keeping(path, upload);
    if (harm.empty()) continue;
    throw bad_input(target.doing)
        .wanted("no file there that changes which model is loaded")
        .found(path + ": " + harm)
        .hint("delete it at " + hub_url(target.hub, "/" + target.name.repository) +
              "/tree/main, or push to a new name");
  }
}

// The files that the repository lacks, or has with another content.
std::vector<HashedFile> changed_files(const HubTarget& target, const Upload& upload, const HubListing& there) {
  std::vector<HashedFile> changed;
  std::vector<std::string> replaced, others, weights;
  bool card_stays = false;
  for (const OutgoingFile& outgoing : upload.files) {
    HashedFile file(outgoing);
    if (file.is_in(there)) continue;
    const bool differs = file_there(there, file.path()) != nullptr;
    if (differs) replaced.push_back(file.path());
    if (differs && file.path() == kCard && !upload.replace_card) {
      card_stays = true;
    } else {
      changed.push_back(std::move(file));
    }
  }
  for (const HubFile& file : there.files) {
    const bool ours = std::any_of(upload.files.begin(), upload.files.end(),
                                  [&](const OutgoingFile& one) { return one.path == file.path; });
    if (ours || file.path == ".gitattributes") continue;  // the Hub makes .gitattributes itself
    others.push_back(file.path);
    if (is_weights(file.path)) weights.push_back(file.path);
  }
  if (!upload.update && !(replaced.empty() && others.empty())) {
    replaced.insert(replaced.end(), others.begin(), others.end());
    throw bad_input(target.doing)
        .wanted("a new repository, or an empty one")
        .found(excerpt(join(replaced, ", "), 300))
        .hint("another name; or --update, which replaces files of the same names and keeps the others");
  }
  refuse_harmful_rest(target, upload, others);
  if (card_stays)
    warn("the README.md of " + there.name + " stays, and may describe another model; --replace-card replaces it");
  if (!weights.empty())
    warn(there.name + " also holds other weights, which stay: " + excerpt(join(weights, ", "), 300));
  return changed;
}

// Asks the Hub which files it stores as large ones.
void choose_storage(const HubTarget& target, std::vector<HashedFile>& changed) {
  const std::string url =
      hub_url(target.hub, "/api/models/" + target.name.repository + "/preupload/" + target.name.revision);
  std::map<std::string, std::string> modes;
  for (std::size_t begin = 0; begin < changed.size(); begin += kPreupload) {
    Json files = Json::array();
    for (std::size_t i = begin; i < std::min(begin + kPreupload, changed.size()); ++i) {
      const std::string_view bytes = changed[i].bytes();
      files.push_back(
          {{"path", changed[i].path()}, {"sample", base64(bytes.substr(0, kSample))}, {"size", bytes.size()}});
    }
    const Json asked = {{"files", files}};
    const Json answer = json_reply(target, ask_hub(target, {.url = url, .secret_header = "", .json = dump_json(asked)}),
                                   "how to store each file");
    const Json list = answer.value("files", Json());
    for (const Json& entry : list.is_array() ? list : Json::array()) {
      if (!entry.is_object() || !entry.value("path", Json()).is_string()) continue;
      const auto path = entry["path"].get<std::string>();
      if (entry.value("shouldIgnore", Json()) == true)
        throw bad_input(target.doing).found("the repository's .gitignore leaves out " + excerpt(path));
      const Json mode = entry.value("uploadMode", Json());
      modes[path] = mode.is_string() ? mode.get<std::string>() : "";
    }
  }
  std::uint64_t in_commit = 0;
  for (HashedFile& one : changed) {
    const std::string& mode = modes[one.path()];
    if (mode != "lfs" && mode != "regular") throw odd_reply(target, "how to store " + one.path());
    const std::uint64_t size = one.bytes().size();
    one.large = mode == "lfs" && size > 0;
    if (!one.large) in_commit += size;
  }
  if (in_commit > kMostInCommit) throw odd_reply(target, "large files to be stored as such");
}

void send_large_files(const HubTarget& target, std::vector<HashedFile>& changed) {
  std::vector<LargeFile> large;
  for (HashedFile& one : changed) {
    if (!one.large) continue;
    large.push_back({.path = one.path(), .sha256 = one.hash(true), .bytes = one.bytes()});
  }
  if (!large.empty()) upload_large_files(target, large);
}

// A line of JSON for each operation (huggingface_hub, _commit_api.py).
std::string commit_text(std::vector<HashedFile>& changed, const std::string& summary, const std::string& parent) {
  const Json header = {{"summary", summary}, {"description", ""}, {"parentCommit", parent}};
  std::string lines = dump_json(Json{{"key", "header"}, {"value", header}}) + "\n";
  for (HashedFile& one : changed) {
    const std::string_view bytes = one.bytes();
    const Json value =
        one.large ? Json{{"path", one.path()}, {"algo", "sha256"}, {"oid", one.hash(true)}, {"size", bytes.size()}}
                  : Json{{"path", one.path()}, {"encoding", "base64"}, {"content", base64(bytes)}};
    lines += dump_json(Json{{"key", one.large ? "lfsFile" : "file"}, {"value", value}}) + "\n";
  }
  return lines;
}

// The names of files that the repository does not hold with this content.
std::vector<std::string> missing_there(const HubTarget& target, std::vector<HashedFile>& changed) {
  const std::optional<HubListing> there = find_files(target.hub, target.name, target.doing);
  std::vector<std::string> missing;
  for (HashedFile& one : changed) {
    if (!there || !one.is_in(*there)) missing.push_back(one.path());
  }
  return missing;
}

void commit_files(const HubTarget& target, std::vector<HashedFile>& changed, const std::string& summary,
                  const std::string& parent) {
  stop_if_interrupted();
  const std::string url =
      hub_url(target.hub, "/api/models/" + target.name.repository + "/commit/" + target.name.revision);
  // Once: a commit whose reply is lost may have been made.
  const HttpReply reply = ask_hub(target,
                                  {.url = url,
                                   .secret_header = "",
                                   .json = commit_text(changed, summary, parent),
                                   .headers = {"Content-Type: application/x-ndjson"}},
                                  /*retries=*/0);
  const bool lost = !reply.problem.empty() || reply.status == 0 || reply.status >= 500;
  if (!lost && !succeeded(reply)) throw push_error(target, reply);
  const std::vector<std::string> missing = missing_there(target, changed);
  if (missing.empty()) return;
  if (lost) throw push_error(target, reply);
  throw Error(target.doing)
      .wanted("the files as they were sent")
      .found("another content on the Hub: " + excerpt(join(missing, ", "), 300))
      .hint("the history of " + hub_url(target.hub, "/" + target.name.repository) + "/commits/main");
}

void check_name_of_target(const HubName& name) {
  std::string wrong = name.revision == "main" ? objection_to_name(name.repository) : "a revision behind the name";
  if (wrong.empty() && name.repository.find('/') == std::string::npos) wrong = "no OWNER";
  if (wrong.empty()) return;
  throw bad_input(doing(name))
      .wanted("the name of a repository, as the Hub accepts it: OWNER/NAME")
      .found(wrong)
      .hint("letters, digits, '-', '_' and '.'; OWNER is you or an organization of yours");
}

Hub open_hub_for(const HubName& name) {
  Hub hub = open_hub();
  if (hub.offline) throw bad_input(doing(name)).found("HF_HUB_OFFLINE is set").hint("unset HF_HUB_OFFLINE");
  if (!hub.secret_header.empty()) return hub;
  throw bad_input(doing(name))
      .wanted("a token that may write, over an encrypted connection")
      .found("none")
      .hint("set HF_TOKEN (huggingface.co/settings/tokens), or run: hf auth login");
}

}  // namespace

std::string_view OutgoingFile::bytes() const {
  if (!mapped) return text;
  return {reinterpret_cast<const char*>(mapped->bytes().data()), mapped->bytes().size()};
}

void check_upload(const HubName& name, bool sends) {
  check_name_of_target(name);
  if (sends) open_hub_for(name);
}

std::string upload_files(const Upload& upload) {
  check_name_of_target(upload.name);
  const Hub hub = open_hub_for(upload.name);
  const HubTarget target{.hub = hub, .name = upload.name, .doing = doing(upload.name)};
  const HubListing there = open_repository(target, upload.is_public);
  const std::string page = hub_url(hub, "/" + there.name);
  std::vector<HashedFile> changed = changed_files(target, upload, there);
  if (changed.empty()) {
    say(there.name + " holds these files already: nothing was sent");
    return page;
  }
  if (changed.size() < upload.files.size())
    say(std::to_string(changed.size()) + " of " + std::to_string(upload.files.size()) + " files are new or changed");
  choose_storage(target, changed);
  send_large_files(target, changed);
  commit_files(target, changed, upload.summary, there.commit);
  return page;
}

}  // namespace lethe
