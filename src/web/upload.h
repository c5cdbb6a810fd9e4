// Uploads files to a model's repository on the Hub in one commit, with the protocol of huggingface_hub.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/mapped_file.h"
#include "web/hub.h"

namespace lethe {

/// A file on its way to the Hub.
struct OutgoingFile {
  std::string path;                          ///< in the repository: "model.safetensors"
  std::shared_ptr<const MappedFile> mapped;  ///< its content on disk; null: `text`
  std::string text;

  std::string_view bytes() const;
};

struct Upload {
  HubName name;  ///< "org/model"; to its main branch
  std::vector<OutgoingFile> files;
  std::string summary;        ///< the commit's message
  bool is_public = false;     ///< a new repository's visibility. A public one is refused without it
  bool update = false;        ///< whether a repository may hold other files already
  bool replace_card = false;  ///< with `update`: whether its README.md may be replaced
};

/// Creates the repository if there is none, sends what it lacks, and commits all files at once. Afterwards the Hub's
/// list of files is compared with the files, by size and hash. A file with the same content is not sent again.
/// @return the address of the repository's page
/// @throws Error (bad input) without a token, for a name without an owner, a token that may not write, a repository
///         that is public, has another name now, or holds other files: with `update` only those for whose sake
///         another model would be loaded; Error if the Hub cannot be reached, has no space, or the repository changed
///         meanwhile; Error (interrupted) after Ctrl-C, before the commit
std::string upload_files(const Upload& upload);

/// Checks what needs no connection: the name, and if `sends` also HF_HUB_OFFLINE and the token.
/// @throws Error (bad input) as upload_files()
void check_upload(const HubName& name, bool sends);

}  // namespace lethe
