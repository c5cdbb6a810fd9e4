#include "web/hub.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "core/messages.h"
#include "core/small_letters.h"
#include "core/trimmed.h"
#include "web/server_key.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLongestName = 96;                       // characters
constexpr std::size_t kMostReplyBytes = std::size_t{8} << 20;  // 27,000 files of a repository; JSON takes 27 times that

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As huggingface_hub reads a switch.
bool is_on(const char* name) {
  const std::string value = small_letters(variable(name));
  return value == "1" || value == "on" || value == "yes" || value == "true";
}

std::string token_of_user() {
  if (is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return "";
  std::string source = "HF_TOKEN", token = key_in_variable("HF_TOKEN");
  if (token.empty()) {
    const std::string named = variable("HF_TOKEN_PATH");
    const fs::path file = named.empty() ? hub_home() / "token" : fs::path(named);
    std::error_code none;
    if (!fs::is_regular_file(file, none)) return "";
    source = file.string();
    token = trimmed(read_file(file));
  }
  if (!token.empty() && !is_plain_key(token)) {  // never shown
    throw bad_input("cannot use the token of " + source)
        .wanted("one line of printable characters: hf_…")
        .found("other characters in it");
  }
  return token;
}

bool is_hexadecimal(const std::string& text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Whether a name of a file in a repository may be used on this disk: "model.safetensors", "1_Pooling/config.json".
bool is_safe_path(const std::string& path) {
  if (path.empty() || path.size() > 200 || path.front() == '/' || path.back() == '/') return false;
  if (std::any_of(path.begin(), path.end(), [](char c) { return c < ' ' || c == '\x7f' || c == '\\'; })) return false;
  const fs::path parts = path;
  return std::all_of(parts.begin(), parts.end(), [](const fs::path& part) {
    return !part.empty() && part != "." && part != ".." && part.string().size() <= 100;
  });
}

void check_name(const HubName& name, const std::string& doing) {
  if (const std::string wrong = objection_to_name(name.repository); !wrong.empty())
    throw bad_input(doing).wanted("a name on the Hub: org/name, or org/name@revision").found(wrong);
  if (name.revision.empty() || !is_safe_path(name.revision)) {
    throw bad_input(doing).wanted("a branch, a tag or a commit behind the @").found(excerpt(name.revision));
  }
}

// Of a mirror below another server's root: "/hub". No slash at its end.
std::string base_path(const Hub& hub) {
  return hub.endpoint.path == "/" ? "" : hub.endpoint.path;
}

Error odd_listing(const HubName& name, const std::string& found) {
  return Error("cannot read the Hub's list of files of " + name.repository)
      .wanted("JSON as the Hub sends it")
      .found(found)
      .hint("whether HF_ENDPOINT names a Hub");
}

HubListing read_listing(const HubName& name, const std::string& body) {
  Json info;
  try {
    info = parse_json(body, "the reply");
  } catch (const Error&) {
    throw odd_listing(name, "no JSON");
  }
  if (!info.is_object() || !info.contains("sha") || !info["sha"].is_string()) throw odd_listing(name, "no \"sha\"");
  HubListing listing{.name = name.repository,
                     .commit = info["sha"].get<std::string>(),
                     .is_private = info.value("private", Json()) == true,
                     .files = {}};
  if (!is_hexadecimal(listing.commit, 40)) throw odd_listing(name, "a commit that is none");
  if (const Json id = info.value("id", Json()); id.is_string()) {
    HubName present{.repository = id.get<std::string>()};
    check_name(present, "cannot read the Hub's list of files of " + name.repository);
    listing.name = present.repository;
  }
  const Json siblings = info.value("siblings", Json());
  if (!siblings.is_array()) throw odd_listing(name, "no \"siblings\"");
  for (const Json& entry : siblings) {
    if (!entry.is_object() || !entry.value("rfilename", Json()).is_string())
      throw odd_listing(name, "a file without a name");
    HubFile file{.path = entry["rfilename"].get<std::string>(), .size = 0, .hash = ""};
    if (!is_safe_path(file.path)) continue;  // no file that Lethe reads has such a name
    const Json large = entry.value("lfs", Json());
    const Json size = large.is_object() ? large.value("size", Json()) : entry.value("size", Json());
    const Json hash = large.is_object() ? large.value("sha256", Json()) : entry.value("blobId", Json());
    if (!size.is_number_unsigned() || !hash.is_string())
      throw odd_listing(name, "no size and hash of " + excerpt(file.path));
    file.size = size.get<std::uint64_t>();
    file.hash = hash.get<std::string>();
    if (!is_hexadecimal(file.hash, large.is_object() ? 64 : 40) || file.size > (std::uint64_t{1} << 50))
      throw odd_listing(name, "no size and hash of " + excerpt(file.path));
    listing.files.push_back(std::move(file));
  }
  return listing;
}

// The last reply to the request for a repository's files; follows redirects of renamed repositories.
HttpReply ask_for_files(const Hub& hub, const HubName& name, const std::string& doing) {
  check_name(name, doing);
  std::string url =
      hub_url(hub, "/api/models/" + name.repository + "/revision/" + percent_encoded(name.revision)) + "?blobs=true";
  HttpReply last;
  int redirects = 0;
  HttpCalls calls;
  calls.request = [&](std::size_t) { return HttpRequest{.url = url, .secret_header = secret_for(hub, url)}; };
  calls.read = [&](std::size_t, const HttpReply& reply) {
    last = reply;
    if (!reply.redirect.empty() && redirects++ < kMostRedirects) {
      check_redirect(url, reply.redirect);
      url = reply.redirect;
      if (url.find("blobs=true") == std::string::npos)
        url += url.find('?') == std::string::npos ? "?blobs=true" : "&blobs=true";
      return HttpNext::now;
    }
    return reply.may_pass ? HttpNext::later : HttpNext::finished;
  };
  HttpPool(hub_http_options(hub)).send_all(1, calls);
  return last;
}

}  // namespace

std::string objection_to_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (small_letter(c) >= 'a' && small_letter(c) <= 'z') || c == '-' || c == '_' ||
           c == '.';
  };
  const std::size_t slash = name.find('/');
  const std::string owner = slash == std::string::npos ? "" : name.substr(0, slash);
  const std::string rest = slash == std::string::npos ? name : name.substr(slash + 1);
  if (rest.empty() || (slash != std::string::npos && owner.empty()) || rest.find('/') != std::string::npos)
    return "another form";
  for (const std::string& part : {owner, rest}) {
    if (part.size() > kLongestName) return std::to_string(part.size()) + " characters; at most 96 are taken";
    if (!std::all_of(part.begin(), part.end(), plain))
      return excerpt(part) + ": other characters than letters, digits, '-', '_' and '.'";
    for (const char* twice : {"--", ".."}) {
      if (part.find(twice) != std::string::npos) return std::string("\"") + twice + "\" in " + excerpt(part);
    }
    if (!part.empty() && (std::string_view("-.").find(part.front()) != std::string_view::npos ||
                          std::string_view("-.").find(part.back()) != std::string_view::npos))
      return excerpt(part) + ", with '-' or '.' at an end";
  }
  return rest.ends_with(".git") ? excerpt(rest) + ", with \".git\" at its end" : "";
}

Hub open_hub() {
  Hub hub;
  hub.offline = is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE");
  std::string given = variable("HF_ENDPOINT");
  if (given.empty()) given = "https://huggingface.co";
  while (given.ends_with('/')) given.pop_back();
  hub.endpoint = read_web_address(given, "http:// or https://, and a host",
                                  [](const std::string& wanted, const std::string& found) {
                                    throw bad_input("cannot use HF_ENDPOINT").wanted(wanted).found(excerpt(found, 200));
                                  });
  if (hub.offline) return hub;
  const std::string token = token_of_user();
  if (token.empty()) return hub;
  if (hub.endpoint.is_private()) {
    hub.secret_header = secret_header("Authorization", token);
  } else {
    warn("the Hugging Face token is not sent to " + hub.endpoint.host +
         ": without encryption (https) others could read it");
  }
  return hub;
}

HttpOptions hub_http_options(const Hub& hub) {
  HttpOptions options;
  options.direct = hub.endpoint.loopback;
  options.resolve = hub.endpoint.resolve;
  options.most_bytes = kMostReplyBytes;
  options.timeout = 0;
  options.silence = 30;
  return options;
}

std::string hub_url(const Hub& hub, const std::string& path) {
  return with_path(hub.endpoint, base_path(hub) + path).url;
}

std::string secret_for(const Hub& hub, const std::string& url) {
  return same_origin(url, hub.endpoint.url) ? hub.secret_header : "";
}

void check_redirect(const std::string& from, const std::string& to) {
  const auto address = [](const std::string& url) {
    return read_web_address(url, "http:// or https://, and a host", [](const std::string& wanted, const std::string&) {
      throw Error("cannot follow the Hub's redirect").wanted(wanted).found("another form");
    });
  };
  const WebAddress target = address(to);
  if (!address(from).is_private() || target.is_private()) return;
  throw Error("cannot follow the Hub's redirect")
      .wanted("an encrypted connection (https)")
      .found("http://" + target.host);
}

HubListing list_files(const Hub& hub, const HubName& name, const std::string& doing) {
  const HttpReply reply = ask_for_files(hub, name, doing);
  if (reply.status != 200 || !reply.problem.empty()) throw hub_error(hub, name, doing, reply);
  return read_listing(name, reply.body);
}

std::optional<HubListing> find_files(const Hub& hub, const HubName& name, const std::string& doing) {
  const HttpReply reply = ask_for_files(hub, name, doing);
  if (reply.status == 404 && reply.header("x-error-code") != "RevisionNotFound") return std::nullopt;
  if (reply.status != 200 || !reply.problem.empty()) throw hub_error(hub, name, doing, reply);
  return read_listing(name, reply.body);
}

std::string file_url(const Hub& hub, const std::string& name, const std::string& commit, const std::string& path) {
  return hub_url(hub, "/" + name + "/resolve/" + commit + "/" + percent_encoded(path, "/"));
}

std::string words_of(const Hub& hub, const HttpReply& reply) {
  std::string words = reply.header("x-error-message");
  if (words.empty() && reply.body.starts_with('{')) {
    try {
      const Json body = parse_json(reply.body, "the reply");
      if (body.value("error", Json()).is_string()) words = body["error"].get<std::string>();
    } catch (const Error&) {  // no JSON: a page of a proxy
    }
  }
  if (!hub.secret_header.empty())
    words = without_key(words, hub.secret_header.substr(hub.secret_header.rfind(' ') + 1));
  return excerpt(words, 200);
}

Error hub_error(const Hub& hub, const HubName& name, const std::string& doing, const HttpReply& reply) {
  const std::string page = hub_url(hub, "/" + name.repository);
  const bool with_token = !hub.secret_header.empty();
  const std::string code = reply.header("x-error-code");
  const std::string words = words_of(hub, reply);
  if (reply.too_large) {
    return Error(doing)
        .wanted("a list of files of at most " + with_commas(kMostReplyBytes) + " bytes")
        .found("a longer one: the repository has tens of thousands of files")
        .hint("a revision or a repository that holds one model");
  }
  if (code == "GatedRepo") {
    return bad_input(doing)
        .found("a gated model: its owner asks you to accept conditions first")
        .hint(with_token ? "accept them at " + page +
                               " with the account of your token; a fine-grained token also "
                               "needs the permission to read gated repositories"
                         : "accept them at " + page + ", then set HF_TOKEN, or run: hf auth login");
  }
  if (code == "RevisionNotFound") {
    return bad_input(doing).found("no revision " + excerpt(name.revision)).hint("a branch, tag or commit of " + page);
  }
  if (code == "EntryNotFound") return bad_input(doing).found("no such file in the repository");
  if (reply.status == 401 && with_token && code != "RepoNotFound") {
    return bad_input(doing)
        .found("the Hub refuses the token" + (words.empty() ? "" : ": " + words))
        .hint("a valid HF_TOKEN (or hf auth login); without one, public models can be downloaded");
  }
  if (code == "RepoNotFound" || reply.status == 401 || reply.status == 404) {
    return bad_input(doing)
        .found("no such model on " + hub.endpoint.host + ", or a private one")
        .hint(with_token ? "check the name; is it a model, and may the account of your token see it?"
                         : "check the name; for a private model set HF_TOKEN, or run: hf auth login");
  }
  if (reply.status == 403) {
    return bad_input(doing)
        .found("access is forbidden" + (words.empty() ? "" : ": " + words))
        .hint("the conditions and the state of " + page);
  }
  if (reply.status == 429)
    return Error(doing).found("too many requests (HTTP status 429)").hint("again in some minutes");
  Error error(doing);
  error.with("from", hub.endpoint.host);
  if (reply.status == 0) {
    return error.found(reply.problem)
        .hint("the network, or HF_ENDPOINT for a mirror; the same command continues where this one stopped");
  }
  return error
      .found(reply.problem.empty() ? "HTTP status " + std::to_string(reply.status) + (words.empty() ? "" : ": " + words)
                                   : reply.problem)
      .hint("again later; the same command continues where this one stopped");
}

}  // namespace lethe
