#include "ranks/with_group.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "core/interrupt.h"
#include "core/messages.h"
#include "core/numbers.h"
#include "ranks/joined_group.h"

namespace lethe {
namespace {

/// Of a rank that is not 0: passes on why it failed, unless rank 0 says so.
class FailuresOnly : public Observer {
 public:
  void begin(Observer* terminal, const std::string& name) {
    terminal_ = terminal;
    name_ = name;
  }
  void failure(const std::string& text) override {
    if (terminal_ != nullptr && !silent) terminal_->failure(name_ + ": " + text);
  }
  bool silent = false;

 private:
  Observer* terminal_ = nullptr;
  std::string name_;
};

// Errors are printed when the work is long over, so it stays.
FailuresOnly& failures_only() {
  static FailuresOnly observer;
  return observer;
}

Patience patience_of_user() {
  Patience patience;
  const char* seconds = std::getenv("LETHE_STALL_SECONDS");
  if (seconds == nullptr || *seconds == 0) return patience;
  const auto number = parse_number(seconds);
  if (!number || *number < 1 || *number > 86400)
    throw bad_usage("cannot use LETHE_STALL_SECONDS").wanted("1 to 86400").found(excerpt(seconds));
  patience.silent = std::chrono::milliseconds(static_cast<std::int64_t>(*number * 1000));
  return patience;
}

// The error of this rank after its work failed. If another rank was lost first, that is why.
Error error_of(const JoinedGroup& group, const Error& error) {
  const auto lost = group.lost();
  if (!lost) return error;
  failures_only().silent = lost->rank != 0 || lost->said;
  if (error.code() != ExitCode::interrupted || lost->code == ExitCode::interrupted) return error;
  return Error(lost->text, lost->code);  // request_stop() interrupted the work
}

}  // namespace

bool is_other_rank() {
  try {
    const auto place = rank_place();
    return place && place->rank > 0;
  } catch (const Error&) {  // with_group() reports it
    return false;
  }
}

bool is_launched() {
  return std::getenv("LETHE_LISTENING") != nullptr;
}

void with_group(const std::function<void(Group* group)>& work) {
  const auto place = rank_place();
  if (!place) return work(nullptr);
  if (place->rank > 0) {
    Observer* terminal = set_observer(nullptr);
    failures_only().begin(terminal, rank_name(place->rank, place->size));
    set_observer(&failures_only());
  }
  JoinedGroup group(*place, load_wire_component(), patience_of_user());
  try {
    work(&group);
    group.leave(ExitCode::done, "");
  } catch (const Error& error) {
    if (error.code() == ExitCode::interrupted) failures_only().silent = true;
    group.leave(error.code(), error.doing());
    throw error_of(group, error);
  } catch (const std::bad_alloc&) {
    group.leave(ExitCode::failed, kOutOfMemory);
    throw;
  } catch (const std::exception& error) {
    group.leave(ExitCode::failed, excerpt(error.what(), 300));
    throw;
  }
}

}  // namespace lethe
