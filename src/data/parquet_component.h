// What the optional Parquet component (components/parquet.cpp, a library of its own) offers to the program, which loads
// it when a .parquet file is read: C functions, so that neither needs the other to start.
#pragma once

#include <cstddef>

extern "C" {

struct LetheParquet {
  int version;  ///< of this interface
  /// @return a reader, or nullptr with the reason in `error` (at most `size` bytes, zero-terminated)
  void* (*open)(const char* path, char* error, std::size_t size);
  /// Column names as a JSON array.
  const char* (*columns)(void* reader);
  /// The next row as a JSON object: 1; 0 at the end; −1 where the file is broken (error()).
  int (*next)(void* reader, const char** text, std::size_t* size);
  const char* (*error)(void* reader);
  void (*close)(void* reader);
};

/// The one function that the library exports, by this name.
const LetheParquet* lethe_parquet();
}

namespace lethe {
constexpr int kParquetVersion = 1;
}
