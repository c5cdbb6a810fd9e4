#include "training/guard.h"

#include <cmath>
#include <cstdio>

#include "core/error.h"

namespace lethe {
namespace {

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

Error diverged(std::int64_t step) {
  return Error("training diverged at step " + std::to_string(step + 1) + "; no model was written");
}

}  // namespace

void DivergenceGuard::check(std::int64_t step, const std::map<std::string, double>& terms, double gradient_norm) {
  for (const auto& [name, value] : terms) {
    if (!std::isfinite(value)) {
      throw diverged(step)
          .with("term", name)
          .found(number(value))
          .hint("lower " + options_.rate_key + "; check the data for empty or extreme rows");
    }
    auto& running = running_.try_emplace(name, value).first->second;
    running += (value - running) / static_cast<double>(options_.patience);
    if (running > options_.limit && !options_.rising.contains(name)) {
      throw diverged(step)
          .with("term", name)
          .wanted("below " + number(options_.limit) + " nats a token")
          .found(number(value) + ", " + number(running) + " over the last steps")
          .hint(options_.advice.contains(name) ? options_.advice.at(name)
                                               : "lower " + options_.rate_key + ", or keep training.clip at 1.0");
    }
  }
  if (!std::isfinite(gradient_norm)) {
    throw diverged(step)
        .with("term", "gradient norm")
        .found(number(gradient_norm))
        .hint("lower " + options_.rate_key + ", and keep training.clip at 1.0");
  }
}

}  // namespace lethe
