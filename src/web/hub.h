// The Hugging Face Hub: its address, the user's token, and what a repository holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/hub_cache.h"
#include "web/address.h"
#include "web/http.h"

namespace lethe {

class Error;

/// Redirects that one request may take: renamed repositories, and the storage hosts of large files.
inline constexpr int kMostRedirects = 5;

/// How to reach the Hub.
struct Hub {
  WebAddress endpoint;
  std::string secret_header;  ///< with the user's token; empty: none
  bool offline = false;       ///< HF_HUB_OFFLINE: use the cache alone
};

/// From HF_ENDPOINT (default https://huggingface.co), HF_HUB_OFFLINE, and the token of HF_TOKEN or of `hf auth login`.
/// Drops the token, with a warning, if the endpoint's connection is not private.
/// @throws Error (bad input) naming the variable that is wrong; the token is never shown
Hub open_hub();

/// The limits and the connection of requests to the Hub.
HttpOptions hub_http_options(const Hub& hub);

/// The address of a path at the Hub: "/api/repos/create". @param path  already percent-encoded
std::string hub_url(const Hub& hub, const std::string& path);

/// A file of a repository. The name and the hash are safe as names of files.
struct HubFile {
  std::string path;        ///< "model.safetensors"
  std::uint64_t size = 0;  ///< bytes
  std::string hash;        ///< SHA-256 of large files (64 digits); git's SHA-1 of a blob of small ones (40 digits)
};

/// A repository at one commit.
struct HubListing {
  std::string name;         ///< the present one: a renamed repository's differs from the name asked for
  std::string commit;       ///< 40 hexadecimal digits
  bool is_private = false;  ///< only if the Hub says so
  std::vector<HubFile> files;
};

/// Whether the Hub would take this name: OWNER/NAME or NAME, each of at most 96 letters, digits, '-', '_' and '.',
/// without "--" and "..", with neither '-' nor '.' at an end, and no ".git" at the end (huggingface_hub,
/// validate_repo_id()).
/// @return what is wrong with it; empty: nothing
std::string objection_to_name(const std::string& name);

/// @param doing  for errors: "cannot download facebook/opt-2.7b"
/// @throws Error (bad input) if the model or the revision does not exist, is gated, or the token is refused; Error if
///         the Hub cannot be reached or sends something else
HubListing list_files(const Hub& hub, const HubName& name, const std::string& doing);
/// The same; nothing if there is no such model, or the token may not see it.
std::optional<HubListing> find_files(const Hub& hub, const HubName& name, const std::string& doing);

/// The address of a file's content. @param name  listing.name
std::string file_url(const Hub& hub, const std::string& name, const std::string& commit, const std::string& path);

/// The token, if the address is the Hub's own and not that of a storage host to which the Hub redirects.
std::string secret_for(const Hub& hub, const std::string& url);

/// @throws Error if a redirect leads from an encrypted or a local connection to an open one
void check_redirect(const std::string& from, const std::string& to);

/// The Hub's own words about a refusal, on one line, without the token; may be empty.
std::string words_of(const Hub& hub, const HttpReply& reply);
/// What the Hub's refusal of a download means for the user. @param doing  "cannot download facebook/opt-2.7b"
Error hub_error(const Hub& hub, const HubName& name, const std::string& doing, const HttpReply& reply);

}  // namespace lethe
