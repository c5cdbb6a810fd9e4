#include "cli/engine.h"

#include <utility>

namespace lethe {
namespace {

std::function<void()>& engine_loader() {
  static std::function<void()> loader;
  return loader;
}

}  // namespace

void set_engine_loader(std::function<void()> loader) {
  engine_loader() = std::move(loader);
}

void need_engine() {
  if (const auto loader = std::exchange(engine_loader(), nullptr)) loader();
}

}  // namespace lethe
