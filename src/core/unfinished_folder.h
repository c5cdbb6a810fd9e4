// The folder of a run while it is at work: OUT.unfinished beside OUT, locked, and there to be taken up again.
#pragma once

#include <filesystem>
#include <string>

#include "core/descriptor.h"

namespace lethe {

/// Holds a lock on the file ".lock" within, from the beginning until the folder has its final name and all that does
/// not belong there is gone. The same file is the sign that the folder is Lethe's: no other folder is touched.
class UnfinishedFolder {
 public:
  enum class Start { fresh, resume };

  /// Makes OUT.unfinished (0700), or takes up the one that is there, and locks it.
  /// @param final_path  OUT: must not exist, or be an empty folder
  /// @param precious    a folder within: while it holds something, the unfinished folder outlives a failure and is not
  ///                    overwritten by a fresh start
  /// @throws Error (bad input) if OUT holds something, another process is at work there, OUT.unfinished is not a folder
  ///         that a run of this user made, a fresh start finds what is precious, or a resumed one finds nothing; Error
  ///         if the file system has no locks
  UnfinishedFolder(const std::filesystem::path& final_path, Start start, std::string precious);
  /// Removed unless committed, or something precious is in it, or it is whole and commit() failed.
  ~UnfinishedFolder();
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& final_path() const { return final_; }
  bool holds_precious() const;
  /// Gives the folder its final name, and then removes what is precious.
  /// @throws Error if it cannot get its name: all of it stays where it is, and the error says where; or if what is
  ///         precious cannot be removed
  void commit();

 private:
  void acquire(Start start);
  bool try_acquire(Start start);
  void discard() noexcept;
  void discard_if_empty() noexcept;
  void set_marker(const char* text);

  enum class State { at_work, whole, committed };
  std::filesystem::path final_, place_, path_;  // as given; where it will lie; where it lies
  std::string precious_;
  Descriptor folder_, lock_;
  State state_ = State::at_work;
};

/// Completes what a run that was killed in commit() left to do: OUT has its name, and still holds what is precious.
/// Leaves any other folder alone.
void complete_commit(const std::filesystem::path& final_path, const std::string& precious);

}  // namespace lethe
