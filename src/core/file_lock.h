// Ownership of a folder that is being written: locks, random names, and checks that this user made it.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace lethe {

class Error;

/// Result of a lock attempt. `impossible`: the file system has no locks; errno holds the reason.
enum class Locking { done, busy, impossible };

/// Locks an open file or folder (flock) without waiting. The lock lasts until the last descriptor is closed.
Locking lock_now(int descriptor);

/// "cannot lock PATH", with the reason and what to do. @param number  errno after Locking::impossible
Error no_lock_error(const std::filesystem::path& path, int number);

/// Whether a path (not a link) names the open file. The file may have been renamed or removed before it was locked.
bool is_at(int descriptor, const std::filesystem::path& path);

/// Ten random letters and digits, for names of temporary files. Process ids are not unique: two containers may share
/// them.
std::string random_letters();

/// Whether this user made a file or folder and nobody else may write to it. If the file system has no owners or modes
/// (CIFS, NFS that maps users), it must look like what this process makes in `parent`.
bool is_private(const struct stat& status, const std::filesystem::path& parent);

}  // namespace lethe
