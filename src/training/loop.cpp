#include "training/loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "core/error.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "core/line_log.h"
#include "core/terminal.h"
#include "training/event_file.h"
#include "training/shared_steps.h"
#include "training/step_scalars.h"

namespace lethe {
namespace {

constexpr std::string_view kValidation = "validation_";

std::string note(const StepRecord& record, const std::vector<std::string>& names) {
  std::string text;
  char buffer[64];
  for (const auto& name : names) {
    if (!record.terms.contains(name)) continue;
    const double value = record.terms.at(name);
    std::snprintf(buffer, sizeof buffer, "%s %.3f  ", name.c_str(),
                  std::abs(value) < 0.0005 ? 0.0 : value);  // no -0.000
    text += buffer;
  }
  std::snprintf(buffer, sizeof buffer, "%.0f tok/s  %.2f GB", record.tokens / std::max(record.seconds, 1e-9),
                static_cast<double>(resident_bytes()) / 1e9);
  return text + buffer;
}

OrderedJson metrics_line(const StepRecord& record, const std::vector<std::string>& names) {
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
  for (const auto& [name, value] : record.evaluation) json[name] = value;
  return json;
}

// The last line of a killed run may be incomplete.
std::string first_lines(const std::string& text, std::int64_t count) {
  std::size_t end = 0;
  for (std::int64_t i = 0; i < count && end != std::string::npos; ++i) {
    const std::size_t line = text.find('\n', end);
    if (line == std::string::npos) break;
    end = line + 1;
  }
  return text.substr(0, end);
}

// The values of an evaluation in a line of metrics.jsonl.
std::map<std::string, double> evaluation_in(const Json& json, const std::string& where) {
  std::map<std::string, double> evaluation;
  for (const auto& [name, unused] : json.items()) {
    if (name.starts_with(kValidation)) evaluation[name] = json_number(json, name, where);
  }
  return evaluation;
}

// The records of the first `steps` steps, read from metrics.jsonl.
std::vector<StepRecord> kept_records(const std::filesystem::path& metrics, std::int64_t steps,
                                     const std::vector<std::string>& names) {
  std::vector<StepRecord> records;
  if (steps > 0) {
    for (const JsonLine& line : parse_json_lines(first_lines(read_file(metrics), steps), metrics.string())) {
      const Json& json = line.value;
      StepRecord record;
      record.step = json_count(json, "step", line.where);
      for (const std::string& name : names) {
        if (json.contains(name)) record.terms[name] = json_number(json, name, line.where);
      }
      record.loss = json_number(json, "loss", line.where);
      record.lr = json_number(json, "lr", line.where);
      record.grad_norm = json_number(json, "grad_norm", line.where);
      record.tokens = json_count(json, "tokens", line.where);
      record.seconds = json_number(json, "seconds", line.where);
      record.evaluation = evaluation_in(json, line.where);
      records.push_back(std::move(record));
    }
    if (static_cast<std::int64_t>(records.size()) != steps)
      warn(metrics.string() + " has lost lines: " + std::to_string(records.size()) + " of " + std::to_string(steps));
  }
  return records;
}

// metrics.jsonl with these lines alone.
void write_records(const std::filesystem::path& metrics, const std::vector<StepRecord>& records,
                   const std::vector<std::string>& names) {
  std::string lines;
  for (const StepRecord& record : records) lines += dump_json(metrics_line(record, names)) + "\n";
  write_file(metrics, lines);
}

/// The only place in a step that waits for the device.
void read_scalars(const StepScalars& scalars, StepRecord& record) {
  record.terms = values_of(scalars.terms);
  if (scalars.loss.defined()) record.loss = scalars.loss.item<double>();
  if (scalars.norm.defined()) record.grad_norm = scalars.norm.item<double>();
}

/// Where the records of a training go: metrics.jsonl, and an event file if one is wanted.
class Log {
 public:
  /// @param before  the records of earlier steps, which are in metrics.jsonl
  Log(const std::filesystem::path& metrics, const std::filesystem::path& events, const std::vector<StepRecord>& before,
      std::vector<std::string> names)
      : names_(std::move(names)) {
    if (!metrics.empty()) metrics_.emplace(metrics);
    if (events.empty()) return;
    // The clock of the event file leaves out the time between an interrupt and its resume.
    double time = seconds_now();
    for (const StepRecord& record : before) time -= record.seconds;
    events_.emplace(events, seconds_now());
    for (const StepRecord& record : before) events_->add(time += record.seconds, metrics_line(record, names_));
  }

  void add(const StepRecord& record) {
    const OrderedJson line = metrics_line(record, names_);
    if (metrics_) metrics_->append(dump_json(line));
    if (events_) events_->add(seconds_now(), line);
  }

 private:
  static double seconds_now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  std::vector<std::string> names_;
  std::optional<LineLog> metrics_;
  std::optional<EventFile> events_;
};

// For a run that diverged. A snapshot requires the same settings, which would diverge again.
void add_last_good(const std::filesystem::path& snapshot, Error& error) {
  if (snapshot.empty()) {
    error.with("last good", "no snapshot (training.snapshot_steps, training.snapshot_minutes)")
        .with("next", "start anew with the changed settings");
    return;
  }
  error.with("last good", snapshot.string())
      .with("next",
            "--resume continues with the same settings only, and would diverge again; with changed ones, "
            "start anew under another --out");
}

/// Saves the state after `done` steps. A snapshot that cannot be written (usually: no space) must not end the training
/// that it protects.
/// @return whether it was written
bool save_or_warn(Snapshots& snapshots, std::int64_t done, const AdamW& optimizer, DivergenceGuard& guard,
                  Objective& objective) {
  const auto lost = [&](const char* why) {
    warn("no snapshot was written after step " + std::to_string(done) + ": " + why);
    return false;
  };
  try {
    snapshots.save(done, optimizer, guard.running(), objective.state());
    return true;
  } catch (const Error& error) {
    return lost(error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    return lost(error.code().message().c_str());
  }
}

// @param done  whole steps; an incomplete next one is discarded
Error stopped(const LoopOptions& options, std::int64_t done, const AdamW& optimizer, DivergenceGuard& guard,
              Objective& objective) {
  if (done == 0) return interrupted_error("interrupted before the first step of this training was done");
  Error error = interrupted_error("interrupted after step " + std::to_string(done));
  if (options.snapshots == nullptr || save_or_warn(*options.snapshots, done, optimizer, guard, objective)) return error;
  const std::filesystem::path newest = options.snapshots->newest();
  return std::move(error.with("last good", newest.empty() ? "no snapshot" : newest.string()));
}

// The error that ended an evaluation, or the exchange with other ranks, after `done` steps. These steps are not lost
// with it.
Error ended_by(const Error& error, const LoopOptions& options, std::int64_t done, const AdamW& optimizer,
               DivergenceGuard& guard, Objective& objective) {
  if (error.code() == ExitCode::interrupted) return stopped(options, done, optimizer, guard, objective);
  if (options.snapshots != nullptr) save_or_warn(*options.snapshots, done, optimizer, guard, objective);
  return error;
}

// Of the last two steps. @param before  what had been exchanged when they began
Pace pace_of(const std::vector<StepRecord>& records, std::int64_t steps_left, const Traffic& before,
             const Traffic& now) {
  const StepRecord &a = records[records.size() - 2], &b = records.back();
  return {(a.seconds + b.seconds) / 2,
          static_cast<double>(a.tokens + b.tokens) / 2,
          steps_left,
          {(now.seconds - before.seconds) / 2, (now.bytes - before.bytes) / 2}};
}

/// The evaluations of one training: when they are due, which one is the best, and its snapshot.
class Evaluations {
 public:
  Evaluations(const LoopOptions& options, const std::vector<StepRecord>& before)
      : options_(options), best_(options.evaluation.best) {
    if (options.evaluation.best.patience > 0 && options.snapshots == nullptr)
      throw Error("internal: patience needs snapshots");
    for (const StepRecord& record : before) best_.add(record.step, record.evaluation);
    if (options.snapshots != nullptr) options.snapshots->keep(best_.to_keep());
  }
  bool stop() const { return best_.stop(); }
  bool due(std::int64_t step) const {
    const std::int64_t every = options_.evaluation.every;
    return every > 0 && (step % every == 0 || step == options_.steps);
  }

  /// Measures the model after a step that is due.
  /// @return the error that ended the evaluation, an interrupt or a failure; nothing is recorded then
  std::optional<Error> measure(StepRecord& record) {
    std::map<std::string, double> values;
    try {
      values = options_.evaluation.measure();
    } catch (const Error& error) {
      return error;
    }
    std::erase_if(values, [](const auto& value) { return !std::isfinite(value.second); });
    record.evaluation = std::move(values);
    return std::nullopt;
  }

  /// Prints a measured step. Saves it if it is the best so far. @throws Error if it cannot be saved
  void take(const StepRecord& record, const AdamW& optimizer, DivergenceGuard& guard, Objective& objective) {
    const bool better = best_.add(record.step, record.evaluation);
    std::string text = "validation after step " + std::to_string(record.step) + ":";
    for (const auto& [name, value] : record.evaluation) {
      char buffer[96];
      std::snprintf(buffer, sizeof buffer, "  %s %.3f", name.c_str() + kValidation.size(), value);
      text += buffer;
    }
    say(text + (better ? "  (the best so far)" : ""));
    if (!better) return;
    options_.snapshots->keep(best_.to_keep());
    options_.snapshots->save(record.step, optimizer, guard.running(), objective.state());
  }

  /// Gives the model the weights of the best step.
  void go_back(const std::vector<StepRecord>& records, AdamW& optimizer, Objective& objective) const {
    const TrainingEnd end = training_end(records, options_.steps, options_.evaluation.best);
    if (const std::string text = end.text(); !text.empty()) say(text);
    if (end.kept != end.last) options_.snapshots->load(end.kept, optimizer, objective.state());
  }

 private:
  const LoopOptions& options_;
  BestStep best_;
};

std::string plan_text(const LoopOptions& options, std::int64_t first) {
  const auto counted = [](std::int64_t count, const std::string& what) {
    return with_commas(static_cast<std::uint64_t>(count)) + " " + what + (count == 1 ? "" : "s");
  };
  return options.title + ": " + counted(options.steps - first, "step") +
         (options.accumulate > 1
              ? " of " + with_commas(static_cast<std::uint64_t>(options.accumulate)) + " micro-batches each"
              : "");
}

}  // namespace

std::vector<StepRecord> train(Objective& objective, AdamW& optimizer, const LoopOptions& options,
                              const std::filesystem::path& metrics) {
  const SharedStepsOptions by_all{options.steps,    options.accumulate,  options.clip,
                                  options.schedule, options.interrupted, options.weights};
  if (options.group != nullptr && options.group->rank() > 0) {
    follow_training(*options.group, objective, optimizer, by_all);
    return {};
  }
  using Clock = std::chrono::steady_clock;
  const auto names = objective.terms();
  GuardOptions limits = options.guard;
  limits.rising.merge(objective.rising());
  limits.advice.merge(objective.advice());
  limits.rate_key = objective.rate_key();
  DivergenceGuard guard(limits);
  const auto check = [&](std::int64_t step, const std::map<std::string, double>& terms, double gradient_norm) {
    try {
      guard.check(step, terms, gradient_norm);
    } catch (Error& error) {
      if (options.snapshots != nullptr) add_last_good(options.snapshots->newest(), error);
      throw;
    }
  };
  std::vector<StepRecord> records;
  std::int64_t first = 0;
  if (options.snapshots != nullptr) {
    first = options.snapshots->restore(optimizer, guard.running(), objective.state());
    records = kept_records(metrics, first, names);
    if (first > 0) say("going on after step " + std::to_string(first));
  }
  Evaluations evaluations(options, records);
  // An interrupt or a failure may have ended the evaluation after the snapshot's step.
  if (!records.empty() && evaluations.due(first) && records.back().evaluation.empty()) {
    if (const auto error = evaluations.measure(records.back()))
      throw ended_by(*error, options, first, optimizer, guard, objective);
    evaluations.take(records.back(), optimizer, guard, objective);
  }
  if (options.snapshots != nullptr) write_records(metrics, records, names);
  Log log(metrics, options.events, records, names);
  say(plan_text(options, first));
  std::optional<SharedSteps> shared;
  // Loses no step if a rank is lost.
  const auto with_ranks = [&](std::int64_t done, const auto& exchange) {
    try {
      return exchange();
    } catch (const Error& error) {
      Error ended = ended_by(error, options, done, optimizer, guard, objective);
      if (options.snapshots != nullptr && !options.snapshots->newest().empty())
        ended.with("last good", options.snapshots->newest().string());
      throw ended;
    }
  };
  if (options.group != nullptr) {
    shared.emplace(*options.group, objective, optimizer, by_all);
    with_ranks(first, [&] { return shared->begin({first, options.evaluation.every, evaluations.stop()}); });
  }
  const auto traffic = [&] { return options.group != nullptr ? options.group->traffic() : Traffic{}; };
  const Traffic before = traffic();
  Progress progress(options.title, static_cast<std::uint64_t>(options.steps), "steps");
  // Draws the bar. @return whether the run must stop
  const auto show = [&](std::int64_t done, const std::string& text) {
    try {
      progress.update(static_cast<std::uint64_t>(done), text);
    } catch (const Error&) {  // interrupted
      return true;
    }
    return options.interrupted && options.interrupted();
  };
  show(first, "");  // so that the rate leaves out the steps of an earlier run; the loop asks about interrupts
  for (std::int64_t step = first; step < options.steps && !evaluations.stop(); ++step) {
    const auto start = Clock::now();
    StepRecord record;
    record.step = step + 1;
    record.lr = options.schedule.at(step);
    // Without clipping, each weight is updated as soon as its gradient is known.
    std::optional<BackwardSteps> within;
    if (options.clip == 0 && options.accumulate == 1) within.emplace(optimizer, record.lr);
    // On a GPU, reading a value waits for the device, so the whole step is queued first. A diverging run has then taken
    // the step that showed it, but none with a gradient that is not finite. Either way nothing is written.
    const bool check_first = optimizer.on_cpu();
    StepScalars scalars;
    const auto take = [&](const StepLoss& part) {
      scalars.add(part, options.accumulate);
      record.tokens += part.tokens;
    };
    auto whole = SharedSteps::Whole::yes;
    if (shared) whole = with_ranks(step, [&] { return shared->micro_batches(step, take); });
    if (whole == SharedSteps::Whole::no) throw stopped(options, step, optimizer, guard, objective);
    for (std::int64_t i = 0; !shared && i < options.accumulate; ++i) {
      const StepLoss part = objective.loss(static_cast<std::uint64_t>(step * options.accumulate + i));
      if (within && check_first) check(step, values_of(part.terms), 0);
      if (part.loss.defined() && part.loss.requires_grad())
        (part.loss / static_cast<double>(options.accumulate)).backward();
      take(part);
      if (i + 1 == options.accumulate) break;
      const std::string where = "micro-batch " + std::to_string(i + 1) + " of " + std::to_string(options.accumulate);
      if (!show(step, where)) continue;
      for (at::Tensor parameter : optimizer.parameters()) parameter.mutable_grad() = at::Tensor();
      throw stopped(options, step, optimizer, guard, objective);
    }
    scalars.norm = within ? within->gradient_norm() : optimizer.clip_gradients(options.clip);
    const auto read_and_check = [&] {
      read_scalars(scalars, record);
      check(step, within && check_first ? std::map<std::string, double>{} : record.terms, record.grad_norm);
    };
    if (check_first) read_and_check();
    if (!within) optimizer.step(record.lr, scalars.norm);
    if (shared) with_ranks(step + 1, [&] { shared->updated(); });
    if (!check_first) read_and_check();
    objective.stepped(record.terms);
    record.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const std::int64_t done = step + 1;
    const bool stop = whole == SharedSteps::Whole::then_stop, due = evaluations.due(done) && !stop;
    const std::optional<Error> failed = due ? evaluations.measure(record) : std::nullopt;
    log.add(record);
    records.push_back(std::move(record));
    if (failed) throw ended_by(*failed, options, done, optimizer, guard, objective);
    if (due) evaluations.take(records.back(), optimizer, guard, objective);
    if (shared) {
      with_ranks(done, [&] {
        if (step == first) shared->check_weights();
        if (due) shared->measured(evaluations.stop());
      });
    }
    if (options.on_pace && done == first + 2)
      options.on_pace(pace_of(records, options.steps - done, before, traffic()));
    if (show(done, note(records.back(), names)) || stop) throw stopped(options, done, optimizer, guard, objective);
    if (options.snapshots != nullptr && (done == options.steps || evaluations.stop() || options.snapshots->due(done)))
      save_or_warn(*options.snapshots, done, optimizer, guard, objective);
  }
  evaluations.go_back(records, optimizer, objective);
  if (shared) shared->end();
  return records;
}

TrainingEnd training_end(const std::vector<StepRecord>& records, std::int64_t planned, const BestStepOptions& options) {
  BestStep best(options);
  for (const StepRecord& record : records) best.add(record.step, record.evaluation);
  const std::int64_t last = records.empty() ? 0 : records.back().step;
  return {planned, last, best.step() > 0 ? best.step() : last};
}

}  // namespace lethe
