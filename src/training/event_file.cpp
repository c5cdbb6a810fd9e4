#include "training/event_file.h"

#include <array>
#include <bit>
#include <cstdio>
#include <vector>

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kBeginning = "events.out.tfevents.", kEnding = ".lethe";

void append_little_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xFF);
}

// Protocol buffers: a field begins with its number and the kind of what follows.
enum class Wire : std::uint64_t { varint = 0, eight_bytes = 1, with_length = 2, four_bytes = 5 };

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_key(std::string& out, std::uint64_t field, Wire wire) {
  append_varint(out, field << 3 | static_cast<std::uint64_t>(wire));
}

void append_text(std::string& out, std::uint64_t field, std::string_view text) {
  append_key(out, field, Wire::with_length);
  append_varint(out, text.size());
  out += text;
}

// Event: wall_time = 1 (double), step = 2 (int64).
std::string event_at(double time, std::int64_t step) {
  std::string event;
  append_key(event, 1, Wire::eight_bytes);
  append_little_endian(event, std::bit_cast<std::uint64_t>(time), 8);
  if (step == 0) return event;  // a zero is not written
  append_key(event, 2, Wire::varint);
  append_varint(event, static_cast<std::uint64_t>(step));
  return event;
}

// Summary.Value: tag = 1 (string), simple_value = 2 (float).
std::string scalar_of(std::string_view tag, float value) {
  std::string scalar;
  append_text(scalar, 1, tag);
  append_key(scalar, 2, Wire::four_bytes);
  append_little_endian(scalar, std::bit_cast<std::uint32_t>(value), 4);
  return scalar;
}

std::uint32_t masked(std::uint32_t checksum) {
  return (checksum >> 15 | checksum << 17) + 0xA282EAD8U;
}

std::string tag_of(const std::string& name) {
  constexpr std::string_view kMeasured = "validation_";
  return name.starts_with(kMeasured) ? "validation/" + name.substr(kMeasured.size()) : "training/" + name;
}

fs::path fresh_file(const fs::path& folder, double time) {
  fs::create_directories(folder);
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_event_file(entry.path().filename().string())) old.push_back(entry.path());
  }
  for (const fs::path& file : old) fs::remove(file);
  // TensorBoard reads the files of a folder in the order of their names.
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%010lld", static_cast<long long>(time));
  return folder / (std::string(kBeginning) + seconds + std::string(kEnding));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t byte = 0; byte < made.size(); ++byte) {
      std::uint32_t rest = byte;
      for (int bit = 0; bit < 8; ++bit) rest = (rest & 1) != 0 ? rest >> 1 ^ 0x82F63B78U : rest >> 1;
      made[byte] = rest;
    }
    return made;
  }();
  std::uint32_t checksum = 0xFFFFFFFFU;
  for (const char c : bytes) checksum = checksum >> 8 ^ table[(checksum ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~checksum;
}

std::string tf_record(std::string_view content) {
  std::string record;
  append_little_endian(record, content.size(), 8);
  append_little_endian(record, masked(crc32c(record)), 4);
  record += content;
  append_little_endian(record, masked(crc32c(content)), 4);
  return record;
}

bool is_event_file(const std::string& name) {
  return name.starts_with(kBeginning) && name.ends_with(kEnding);
}

fs::path events_folder(const fs::path& metrics) {
  if (metrics.stem().extension() == ".metrics") return {};
  return metrics.filename() == "metrics.jsonl" ? metrics.parent_path() : fs::path(metrics).replace_extension();
}

EventFile::EventFile(const fs::path& folder, double time) : file_(fresh_file(folder, time)) {
  std::string head = event_at(time, 0), start = head;
  append_text(head, 3, "brain.Event:2");  // file_version
  // session_log = 7 {status = 1: START}: whoever read an older file of this training forgets its steps.
  std::string session;
  append_key(session, 1, Wire::varint);
  append_varint(session, 1);
  append_text(start, 7, session);
  file_.append_bytes(tf_record(head) + tf_record(start));
}

void EventFile::add(double time, const OrderedJson& line) {
  std::string summary;
  for (const auto& [name, value] : line.items()) {
    if (name != "step" && value.is_number())
      append_text(summary, 1, scalar_of(tag_of(name), static_cast<float>(value.get<double>())));
  }
  std::string event = event_at(time, line.at("step").get<std::int64_t>());
  append_text(event, 5, summary);
  file_.append_bytes(tf_record(event));
}

}  // namespace lethe
