// An output folder that is whole or not there.
#pragma once

#include <filesystem>

#include "core/descriptor.h"

namespace lethe {

/// A folder that appears under its final name only when commit() is called; until then everything lies in a
/// locked temporary folder beside it, which is removed if commit() never comes. Those of processes that were killed are
/// known by their free lock, and removed when the same name is staged again.
class StagedFolder {
 public:
  /// @param final_path  must not exist, or be an empty folder (not a link)
  /// @throws Error (bad input) if it holds something; Error if the parent cannot be written
  explicit StagedFolder(const std::filesystem::path& final_path);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  /// Where to write now.
  const std::filesystem::path& path() const { return staging_; }
  const std::filesystem::path& final_path() const { return final_; }
  /// Gives the folder its final name. Where that fails, the folder gets the next free name beside it, or keeps its
  /// temporary one: nothing is lost.
  /// @throws Error with the reason, and where the folder is kept
  void commit();

 private:
  std::filesystem::path final_, place_, staging_;
  Descriptor lock_;
  bool finished_ = false;  // not to be removed
};

}  // namespace lethe
