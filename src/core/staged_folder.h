// An output folder that appears only when it is complete.
#pragma once

#include <filesystem>

#include "core/descriptor.h"
#include "core/file_writer.h"

namespace lethe {

/// A folder that gets its final name in commit(). Until then, everything is in a locked temporary folder next to it,
/// which is removed without a commit(). A killed process leaves an unlocked folder, which is removed when the same name
/// is staged again.
class StagedFolder {
 public:
  /// @param final_path  must not exist, or be an empty folder (not a link)
  /// @throws Error (bad input) if it is not empty; Error if the parent cannot be written
  explicit StagedFolder(const std::filesystem::path& final_path);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  /// The folder to write to before commit().
  const std::filesystem::path& path() const { return staging_; }
  const std::filesystem::path& final_path() const { return final_; }
  /// Gives the folder its final name. If that fails, the folder gets the next free name or keeps its temporary one, so
  /// nothing is lost.
  /// @param access  owner_only: the folder keeps mode 0700
  /// @throws Error with the reason, and where the folder is kept
  void commit(Access access = Access::normal);

 private:
  std::filesystem::path final_, place_, staging_;
  Descriptor lock_;
  bool finished_ = false;  // not to be removed
};

}  // namespace lethe
