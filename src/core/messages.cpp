#include "core/messages.h"

#include <atomic>

#include "core/interrupt.h"

namespace lethe {
namespace {

std::atomic<Observer*> current_observer = nullptr;

}  // namespace

Observer* set_observer(Observer* observer) {
  return current_observer.exchange(observer);
}

void say(const std::string& line) {
  if (Observer* observer = current_observer) observer->message(line);
}

void warn(const std::string& line) {
  if (Observer* observer = current_observer) observer->warning(line);
}

void print_failure(const std::string& text) {
  if (Observer* observer = current_observer) observer->failure(text);
}

void print_table(const std::string& text) {
  if (Observer* observer = current_observer) observer->result(text);
}

void say_wrote(const std::string& path, const std::string& more, const std::string& results) {
  if (Observer* observer = current_observer) observer->wrote(path, more, results);
}

Progress::Progress(const std::string& title, std::uint64_t total, const std::string& unit) {
  if (Observer* observer = current_observer) display_ = observer->progress(title, total, unit);
}

Progress::~Progress() {
  finish();
}

void Progress::update(std::uint64_t done, const std::string& note) {
  stop_if_interrupted();
  if (display_) display_->update(done, note);
}

void Progress::finish() {
  display_.reset();
}

}  // namespace lethe
