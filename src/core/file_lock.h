// Who owns a folder that is being written: locks, random names, and what this user made.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace lethe {

class Error;

/// How an attempt to lock ended. A file system without locks is `impossible`, and errno holds its reason.
enum class Locking { done, busy, impossible };

/// Locks an open file or folder (flock) without waiting, until its last descriptor is closed.
Locking lock_now(int descriptor);

/// "cannot lock PATH", with the reason and what to do. @param number  errno after Locking::impossible
Error no_lock_error(const std::filesystem::path& path, int number);

/// Whether a path, itself no link, names the file that is open. A locked file may have been renamed or removed before
/// the lock was taken.
bool is_at(int descriptor, const std::filesystem::path& path);

/// Ten random letters and digits, for names of temporary files. Process ids do not serve: two containers share them.
std::string random_letters();

/// Whether this user made a folder or file and nobody else may write to it. Where the file system knows no owners or
/// modes (CIFS, NFS that maps users), it must look like what this process makes in `parent`.
bool is_private(const struct stat& status, const std::filesystem::path& parent);

}  // namespace lethe
