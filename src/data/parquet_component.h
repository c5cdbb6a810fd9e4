// Interface of the optional Parquet component (components/parquet.cpp, a separate library). The program loads it when
// it reads a .parquet file. The interface is C functions, so that neither side links against the other.
#pragma once

#include <cstddef>

extern "C" {

struct LetheParquet {
  int version;  ///< of this interface
  /// @return a reader, or nullptr with the reason in `error` (at most `size` bytes, zero-terminated)
  void* (*open)(const char* path, char* error, std::size_t size);
  /// Column names as a JSON array.
  const char* (*columns)(void* reader);
  /// The next row as a JSON object: 1; 0 at the end; −1 if the file is corrupt (error()).
  int (*next)(void* reader, const char** text, std::size_t* size);
  const char* (*error)(void* reader);
  void (*close)(void* reader);
};

/// The only function that the library exports.
const LetheParquet* lethe_parquet();
}

namespace lethe {
constexpr int kParquetVersion = 1;
}
