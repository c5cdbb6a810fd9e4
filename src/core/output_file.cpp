#include "core/output_file.h"

#include <cerrno>
#include <iostream>

#include "core/descriptor.h"
#include "core/error.h"
#include "core/file_error.h"
#include "core/files.h"
#include "core/standard_output.h"
#include "core/write_in_place.h"

namespace lethe {

void write_output(const std::string& path, std::string_view content) {
  if (path == "-") return print_result(content);
  std::cout.flush();  // keeps the order of the output
  if (const Descriptor file = open_in_place(path)) {
    const int number = write_pieces(file.get(), content);
    if (number != 0 && number != EPIPE) throw file_error("write", path, number);
    return;
  }
  write_file(output_target(path), content);
}

}  // namespace lethe
