// A TensorBoard event file: the values of metrics.jsonl, drawn by `tensorboard --logdir`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/json.h"
#include "core/line_log.h"

namespace lethe {

/// Appends scalars to an event file: TFRecord frames, each with an Event message of protocol buffers.
///
/// A training has one event file in its folder. A resumed training writes it anew from its earlier lines, under a later
/// name, so that no step is in it twice; a TensorBoard that is running drops what it has read of the old file.
/// Sources: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, summary.proto.
class EventFile {
 public:
  /// Creates the folder if needed, removes the event files that Lethe wrote there, and writes the file's head.
  /// @param time  seconds since 1970; part of the file's name
  /// @throws Error naming the path and the system's reason
  EventFile(const std::filesystem::path& folder, double time);

  /// @param time  of the step, seconds since 1970
  /// @param line  of metrics.jsonl: its numbers become "validation/harm" for validation_harm, else "training/loss"
  /// @throws Error as LineLog::append()
  void add(double time, const OrderedJson& line);

 private:
  LineLog file_;
};

/// CRC-32C (Castagnoli) of these bytes. Source: RFC 3720, appendix B.4.
std::uint32_t crc32c(std::string_view bytes);

/// A record of a TFRecord file: length, its checksum, the content, its checksum.
std::string tf_record(std::string_view content);

/// The folder of a training's event file: that of metrics.jsonl; for safe.jsonl the folder safe/ beside it. TensorBoard
/// takes each folder for a run. Empty for NAME.metrics.jsonl, to which several trainings of an experiment write, and
/// for an empty path.
std::filesystem::path events_folder(const std::filesystem::path& metrics);

/// Whether Lethe wrote a file of this name as an event file.
bool is_event_file(const std::string& name);

}  // namespace lethe
