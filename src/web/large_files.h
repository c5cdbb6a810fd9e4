// Uploads large files to the Hub's storage (git-lfs), from which a commit takes them by their hash.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "web/hub_write.h"

namespace lethe {

struct LargeFile {
  std::string path;        ///< in the repository, for messages
  std::string sha256;      ///< 64 hexadecimal digits
  std::string_view bytes;  ///< the content, not empty; must outlive the upload
};

/// Asks the Hub which of these contents it lacks, and sends those: several at once, in parts where the Hub asks for
/// parts. What it has is not sent again, so that an interrupted upload continues with the next file.
/// @throws Error as push_error(); Error (interrupted) after Ctrl-C
/// Source: the batch API of git-lfs, and the Hub's transfer "multipart" (huggingface_hub, lfs.py).
void upload_large_files(const HubTarget& target, const std::vector<LargeFile>& files);

}  // namespace lethe
