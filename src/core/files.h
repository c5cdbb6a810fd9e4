// Files that are whole or not there: atomic files and staged folders to write.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/descriptor.h"

namespace lethe {

class Error;

/// Reads a whole file. @throws Error (bad input) naming the path if it is missing, a folder, or cannot be read
std::string read_file(const std::filesystem::path& path);

/// Who may read what is written. θ_bad, task vectors and snapshots are `owner_only` (0600) from the moment of creation.
enum class Access { normal, owner_only };

/// A file being written in pieces at its final path (inside a StagedFolder, as a rule), where nothing lies yet. Every
/// write is checked; close() reports what only shows then. Destroyed without close(), the file is removed. A device, a
/// pipe or an open descriptor that lies there is written to in place, and stays.
class FileWriter {
 public:
  explicit FileWriter(const std::filesystem::path& path, Access access = Access::normal);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// @throws Error with the system's reason (disk full, …)
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Moves the end, for bytes that write_at() fills in, from any thread. @return where they begin
  std::uint64_t extend(std::uint64_t bytes);
  /// Writes at an offset without moving the end.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Flushes to disk (fsync) and closes.
  void close();
  std::uint64_t size() const { return size_; }

 private:
  std::filesystem::path path_;
  Descriptor file_;
  bool in_place_ = false;
  std::uint64_t size_ = 0, begun_ = 0;  // the disk was told to begin on so much
};

/// "cannot DOING PATH" with the system's reason and what to do.
/// @param number  errno; no space and a failing disk are the machine's fault (exit status 1), the rest the input's (3)
Error file_error(const std::string& doing, const std::filesystem::path& path, int number);

/// Writes a whole file: the old content or the new, never half of it. It is written without a name, so that a process
/// that is killed leaves nothing (a file ".lethe-partial-…" where the file system has no such files). A link of that
/// name is replaced, not followed: for what the user named, there is write_output().
void write_file(const std::filesystem::path& path, std::string_view content, Access access = Access::normal);

/// Where an output folder will lie: absolute, without "." and "..", links of its parents followed.
std::filesystem::path output_place(const std::filesystem::path& given);
/// The path of an output folder, as given but for a slash at its end.
/// @throws Error (bad input) if it holds something, is a file, a link or a mount point; (usage) if it is empty
std::filesystem::path checked_output_folder(const std::filesystem::path& given);
/// Renames a whole folder, and makes both its content and its new name last (fsync).
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);
/// Gives a folder that is at work (0700) the mode of any folder the user makes.
void open_to_others(const std::filesystem::path& folder);

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

/// The beginning of the names of temporary folders for `name`; random letters follow.
std::string staging_prefix(const std::filesystem::path& name);
/// Removes what commands that were killed had staged in `parent` under this prefix.
void remove_orphans(const std::filesystem::path& parent, const std::string& prefix);

/// Removes every staged folder of this process that was not committed; none is committed afterwards. For a process that
/// ends at once: call _exit next.
void remove_staged_folders() noexcept;

}  // namespace lethe
