// The folder of a run while it is at work: OUT.unfinished beside OUT, locked, and there to be taken up again.
#pragma once

#include <filesystem>
#include <string>

namespace lethe {

class UnfinishedFolder {
 public:
  enum class Start { fresh, resume };

  /// Makes OUT.unfinished (0700), or takes up the one that is there, and locks it.
  /// @param final_path  OUT: must not exist, or be an empty folder
  /// @param precious    a folder within: while it holds something, the unfinished folder outlives a failure and is not
  ///                    overwritten by a fresh start
  /// @throws Error (bad input) if OUT holds something, another process is at work there, a fresh start finds what is
  ///         precious, or a resumed one finds nothing
  UnfinishedFolder(const std::filesystem::path& final_path, Start start, std::string precious);
  /// Removed unless committed, or something precious is in it.
  ~UnfinishedFolder();
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& final_path() const { return final_; }
  bool holds_precious() const;
  /// Removes what is precious, and gives the folder its final name.
  void commit();

 private:
  std::filesystem::path final_, path_;
  std::string precious_;
  int lock_ = -1;
  bool committed_ = false;
};

/// The first of NAME + ENDING, NAME + ENDING + "-2", "-3", … where nothing lies, nor an unfinished run; a slash at the
/// end of NAME is left out.
std::filesystem::path free_name(const std::filesystem::path& name, const std::string& ending = "");
/// OUT.unfinished.
std::filesystem::path unfinished_name(const std::filesystem::path& final_path);

}  // namespace lethe
