// Shared by tests: what a job reports while this object lives.
#pragma once

#include <string>

#include "core/messages.h"

namespace lethe {

class Said : public Observer {
 public:
  Said() : before_(set_observer(this)) {}
  ~Said() override { set_observer(before_); }
  Said(const Said&) = delete;
  void message(const std::string& text) override { texts += text + "\n"; }
  void warning(const std::string& text) override { texts += text + "\n"; }
  void result(const std::string& text) override { texts += text; }
  std::string texts;  ///< messages, warnings and results

 private:
  Observer* before_;
};

}  // namespace lethe
