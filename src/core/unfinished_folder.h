// The work folder of a run: OUT.unfinished next to OUT, locked and resumable.
#pragma once

#include <filesystem>
#include <string>

#include "core/descriptor.h"

namespace lethe {

/// Locks the file ".lock" in the folder until the folder has its final name and its temporary content is removed. This
/// file also marks the folder as Lethe's: no other folder is changed.
class UnfinishedFolder {
 public:
  enum class Start { fresh, resume };

  /// Creates OUT.unfinished (0700) or resumes the existing one, and locks it.
  /// @param final_path  OUT: must not exist, or be an empty folder
  /// @param precious    a folder inside: while it is not empty, the unfinished folder survives a failure and a fresh
  ///                    start does not overwrite it
  /// @throws Error (bad input) if OUT is not empty, another process uses it, OUT.unfinished was not made by a run of
  ///         this user, a fresh start finds a non-empty `precious`, or a resumed run finds nothing; Error if the file
  ///         system has no locks
  UnfinishedFolder(const std::filesystem::path& final_path, Start start, std::string precious);
  /// Removes the folder, unless it was committed, `precious` is not empty, or it is complete and commit() failed.
  ~UnfinishedFolder();
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& final_path() const { return final_; }
  bool holds_precious() const;
  /// Gives the folder its final name, and then removes `precious`.
  /// @throws Error if it cannot be renamed (the error says where the folder is kept), or if `precious` cannot be
  ///         removed
  void commit();

 private:
  void acquire(Start start);
  bool try_acquire(Start start);
  void discard() noexcept;
  void discard_if_empty() noexcept;
  void set_marker(const char* text);

  enum class State { at_work, whole, committed };
  std::filesystem::path final_, place_, path_;  // as given; its final path; its current path
  std::string precious_;
  Descriptor folder_, lock_;
  State state_ = State::at_work;
};

/// Completes the commit of a run that was killed in commit(): OUT has its name but still holds `precious`. Ignores any
/// other folder.
void complete_commit(const std::filesystem::path& final_path, const std::string& precious);

}  // namespace lethe
