#include "core/json_log.h"

#include <cstdio>
#include <iostream>
#include <utility>

#include "core/json.h"
#include "core/progress_clock.h"
#include "core/trimmed.h"
#include "core/utc_time.h"

namespace lethe {
namespace {

using namespace std::chrono_literals;

void write_event(const char* name, OrderedJson&& fields) {
  OrderedJson event = {{"time", utc_time()}, {"event", name}};
  event.update(fields);
  // ASCII: a terminal that shows the log obeys no character of it.
  const std::string line = event.dump(-1, ' ', true, OrderedJson::error_handler_t::replace) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

// The labelled lines of an error (core/error.h): [["wanted", "…"], ["found", "…"]].
OrderedJson details_of(const std::string& text) {
  OrderedJson details = OrderedJson::array();
  for (std::size_t begin = text.find('\n'); begin != std::string::npos;) {
    const std::size_t end = text.find('\n', ++begin);
    const std::string line = text.substr(begin, end - begin);
    const std::size_t label = line.find_first_not_of(' ');
    const std::size_t gap = label == std::string::npos ? label : line.find("  ", label);
    if (gap != std::string::npos) details.push_back({line.substr(label, gap - label), trimmed(line.substr(gap))});
    begin = end;
  }
  return details;
}

class ProgressEvents : public ProgressDisplay {
 public:
  ProgressEvents(std::string title, std::uint64_t total, std::string unit)
      : title_(std::move(title)), unit_(std::move(unit)), total_(total) {}

  void update(std::uint64_t done, const std::string& note) override {
    if (!clock_.due(done, total_, 5000ms)) return;
    const double rate = clock_.rate(done);
    OrderedJson fields = {{"title", title_}, {"done", done}, {"total", total_}, {"unit", unit_}};
    if (rate > 0) {
      fields["rate"] = rate;  // units a second
      fields["seconds_left"] = static_cast<double>(total_ > done ? total_ - done : 0) / rate;
    }
    if (!note.empty()) fields["note"] = note;
    write_event("progress", std::move(fields));
  }

 private:
  std::string title_, unit_;
  std::uint64_t total_;
  ProgressClock clock_;
};

}  // namespace

void JsonLog::message(const std::string& text) {
  if (!quiet) write_event("message", {{"text", text}});
}

void JsonLog::warning(const std::string& text) {
  write_event("warning", {{"text", text}});
}

void JsonLog::failure(const std::string& text) {
  write_event("error", {{"text", text.substr(0, text.find('\n'))}, {"details", details_of(text)}});
}

void JsonLog::result(const std::string& text) {
  std::cout << text << std::flush;
  write_event("result", {{"text", text}});
}

void JsonLog::wrote(const std::string& path, const std::string& /*more*/, const std::string& results) {
  OrderedJson fields = OrderedJson::object();
  put_bytes(fields, "path", path);
  if (!results.empty()) fields["results"] = OrderedJson::parse(results, nullptr, false);
  write_event("wrote", std::move(fields));
}

std::unique_ptr<ProgressDisplay> JsonLog::progress(const std::string& title, std::uint64_t total,
                                                   const std::string& unit) {
  if (quiet) return nullptr;
  return std::make_unique<ProgressEvents>(title, total, unit);
}

void JsonLog::end(int status, double seconds) {
  write_event("end", {{"status", status}, {"seconds", seconds}});
}

}  // namespace lethe
