#include "training/loop.h"

#include <chrono>
#include <cstdio>
#include <fstream>

#include "core/error.h"
#include "core/json.h"
#include "core/terminal.h"

namespace lethe {
namespace {

std::string note(const StepRecord& record, const std::vector<std::string>& names) {
  std::string text;
  char buffer[64];
  for (const auto& name : names) {
    if (!record.terms.contains(name)) continue;
    std::snprintf(buffer, sizeof buffer, "%s %.3f  ", name.c_str(), record.terms.at(name));
    text += buffer;
  }
  std::snprintf(buffer, sizeof buffer, "%.0f tok/s  %.2f GB", record.tokens / std::max(record.seconds, 1e-9),
                static_cast<double>(resident_bytes()) / 1e9);
  return text + buffer;
}

OrderedJson line(const StepRecord& record, const std::vector<std::string>& names) {
  OrderedJson json;
  json["step"] = record.step;
  for (const auto& name : names) {
    if (record.terms.contains(name)) json[name] = record.terms.at(name);
  }
  json["loss"] = record.loss;
  json["lr"] = record.lr;
  json["grad_norm"] = record.grad_norm;
  json["tokens"] = record.tokens;
  json["seconds"] = record.seconds;
  return json;
}

}  // namespace

std::vector<StepRecord> train(Objective& objective, AdamW& optimizer, const LoopOptions& options,
                              const std::filesystem::path& metrics) {
  using Clock = std::chrono::steady_clock;
  const auto names = objective.terms();
  GuardOptions limits = options.guard;
  limits.rising.merge(objective.rising());
  DivergenceGuard guard(limits);
  std::vector<StepRecord> records;
  std::ofstream log(metrics, std::ios::app);
  if (!log) throw Error("cannot write " + metrics.string());
  Progress progress(options.title, static_cast<std::uint64_t>(options.steps), "steps");
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const auto start = Clock::now();
    StepRecord record;
    record.step = step + 1;
    for (std::int64_t i = 0; i < options.accumulate; ++i) {
      const StepLoss part = objective.loss(static_cast<std::uint64_t>(step * options.accumulate + i));
      if (part.loss.defined() && part.loss.requires_grad())
        (part.loss / static_cast<double>(options.accumulate)).backward();
      if (part.loss.defined()) record.loss += part.loss.item<double>() / static_cast<double>(options.accumulate);
      for (const auto& [name, value] : part.terms)
        record.terms[name] += value / static_cast<double>(options.accumulate);
      record.tokens += part.tokens;
    }
    record.grad_norm = optimizer.clip_gradients(options.clip);
    record.lr = options.schedule.at(step);
    guard.check(step, record.terms, record.grad_norm);
    optimizer.step(record.lr);
    record.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    log << dump_json(line(record, names)) << '\n' << std::flush;
    if (!log) throw Error("cannot write " + metrics.string()).hint("free some space on the disk");
    progress.update(static_cast<std::uint64_t>(record.step), note(record, names));
    records.push_back(std::move(record));
    if (options.interrupted && options.interrupted()) {
      throw Error("interrupted after step " + std::to_string(step + 1), ExitCode::interrupted);
    }
  }
  return records;
}

}  // namespace lethe
