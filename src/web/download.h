// Downloads files of a repository into the blobs of the local Hugging Face cache: several at once, resumable, checked.
#pragma once

#include <filesystem>
#include <vector>

#include "web/hub.h"

namespace lethe {

/// What to download, and into which folder of the cache.
struct Download {
  const Hub& hub;
  HubName name;                      ///< as the user gave it, for messages
  HubListing listing;                ///< of the repository
  std::filesystem::path repository;  ///< …/models--org--name; must exist
  bool keep_partial = true;  ///< whether other processes leave the partial files of this one alone (a lock is held)
};

/// Makes sure that the cache holds these files whole, as repository/blobs/<hash>. Files that are there are read and
/// checked; a damaged one is replaced. A partial file (<hash>.lethe.incomplete) of an earlier attempt is continued. A
/// new file gets its name only when its size and its hash are right.
/// @throws Error (as hub_error()) if a file cannot be downloaded, has another size or hash than the Hub says, or does
///         not fit on the disk; Error (interrupted) after Ctrl-C. Partial files stay for the next attempt.
void download_files(const Download& download, const std::vector<HubFile>& files);

}  // namespace lethe
