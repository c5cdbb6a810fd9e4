#include "training/snapshots.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "core/error.h"
#include "core/file_hash.h"
#include "core/files.h"
#include "core/json.h"
#include "core/terminal.h"
#include "formats/safetensors.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::string snapshot_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

// Newest first.
std::vector<fs::path> descriptions_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".json")) files.push_back(entry.path());
  }
  std::sort(files.rbegin(), files.rend());
  return files;
}

fs::path values_of_snapshot(fs::path description) {
  return description.replace_extension(".safetensors");
}

void check_identity(const Json& found, const std::map<std::string, std::string>& wanted, const fs::path& path) {
  for (const auto& [name, value] : wanted) {
    const std::string other = found.contains(name) ? json_text(found, name, path.string()) : "";
    if (other == value) continue;
    throw bad_input("cannot go on from the snapshot " + path.string())
        .with("differs", name)
        .wanted(excerpt(value, 100))
        .found(excerpt(other, 100))
        .hint("go on with what the run was started with, or start anew under another name");
  }
}

struct Description {
  std::int64_t step = 0;
  Json identity;
  std::map<std::string, double> running;
};

// Reads a snapshot's description and checks it against its name and the other file's bytes.
Description read_description(const fs::path& path) {
  const std::string where = path.string();
  const Json json = read_json(path);
  Description found{json_count(json, "step", where), json_object(json, "identity", where), {}};
  if (path.stem() != snapshot_name(found.step)) {
    throw bad_input("cannot use " + where)
        .with("key", "step")
        .wanted("the step in the file's name")
        .found(std::to_string(found.step));
  }
  for (const auto& [name, value] : json_object(json, "running", where).items())
    found.running[name] = json_number(json.at("running"), name, where);
  const fs::path values = values_of_snapshot(path);
  if (file_hash(values) != json_text(json, "hash", where))
    throw bad_input("cannot use " + values.string()).found("other bytes than those that were written");
  return found;
}

/// What a snapshot holds: the optimizer's state, then the objective's. The tensors belong to them.
class WholeState {
 public:
  /// @param ranks  null: this process holds all of it
  WholeState(const AdamW& optimizer, const NamedTensors& objective, StateOfRanks* ranks)
      : entries_(optimizer.state()), of_optimizer_(entries_.size()), ranks_(ranks) {
    for (const auto& [name, tensor] : objective) entries_.emplace_back("objective." + name, tensor);
  }
  std::size_t size() const { return entries_.size(); }
  TensorSpec spec(std::size_t i) const {
    TensorSpec spec = spec_of(entries_[i].first, entries_[i].second);
    if (shared(i)) spec.shape = ranks_->shape(i);
    return spec;
  }
  at::Tensor read(std::size_t i) const {
    return shared(i) ? ranks_->gather(i) : entries_[i].second.to(at::kCPU).contiguous();
  }
  void write(std::size_t i, const at::Tensor& value) {
    if (shared(i)) {
      ranks_->scatter(i, value);
    } else {
      entries_[i].second.copy_(value);
    }
  }

 private:
  bool shared(std::size_t i) const { return ranks_ != nullptr && i < of_optimizer_; }

  NamedTensors entries_;
  std::size_t of_optimizer_;
  StateOfRanks* ranks_;
};

void load_values(const fs::path& values, AdamW& optimizer, const NamedTensors& objective, StateOfRanks* ranks) {
  const c10::NoGradGuard no_gradient;
  const SafetensorsFile file(values);
  WholeState state(optimizer, objective, ranks);
  for (std::size_t i = 0; i < state.size(); ++i) {
    const TensorSpec wanted = state.spec(i);
    const StoredTensor* stored = file.find(wanted.name);
    if (stored == nullptr || stored->shape != wanted.shape) {
      throw bad_input("cannot go on from the snapshot " + values.string())
          .with("tensor", wanted.name)
          .wanted(wanted.text())
          .found(stored == nullptr ? "no such tensor" : stored->text());
    }
    state.write(i, tensor_over(*stored, file.values(*stored)));
    file.release(*stored);
  }
  ranks != nullptr ? ranks->scattered() : optimizer.state_changed();
}

}  // namespace

Snapshots::Snapshots(SnapshotOptions options) : options_(std::move(options)) {}

std::int64_t Snapshots::restore(AdamW& optimizer, std::map<std::string, double>& running,
                                const NamedTensors& objective) {
  std::optional<Error> damage;
  for (const fs::path& path : descriptions_in(options_.folder)) {
    Description description;
    try {
      description = read_description(path);
    } catch (const Error& error) {
      if (error.code() != ExitCode::bad_input) throw;
      warn("the snapshot " + path.string() + " is damaged; an earlier one is taken\n" + error.what());
      damage = error;
      continue;
    }
    check_identity(description.identity, options_.identity, path);
    load_values(values_of_snapshot(path), optimizer, objective, ranks_);
    running = std::move(description.running);
    return saved_ = description.step;
  }
  // Never start over silently: that could repeat a day's work.
  if (damage) throw damage->hint("no snapshot is left to go on from: start anew under another --out");
  return 0;
}

Snapshots Snapshots::within(const std::string& name) const {
  SnapshotOptions options = options_;
  options.folder /= name;
  fs::create_directory(options.folder);
  if (fs::is_symlink(options.folder))
    throw bad_input("cannot write to " + options.folder.string()).found("a link").hint("remove it");
  return Snapshots(std::move(options));
}

fs::path Snapshots::newest() const {
  const auto all = descriptions_in(options_.folder);
  return all.empty() ? fs::path() : all[0];
}

bool Snapshots::due(std::int64_t steps_done) const {
  if (options_.steps > 0 && steps_done % options_.steps == 0) return true;
  const double minutes = std::chrono::duration<double>(std::chrono::steady_clock::now() - last_).count() / 60;
  return options_.minutes > 0 && minutes >= options_.minutes;
}

void Snapshots::save(std::int64_t steps_done, const AdamW& optimizer, const std::map<std::string, double>& running,
                     const NamedTensors& objective) {
  const fs::path description = options_.folder / (snapshot_name(steps_done) + ".json"),
                 values = values_of_snapshot(description);
  last_ = std::chrono::steady_clock::now();  // an attempt that fails is not repeated at every step
  if (saved_ == steps_done) return;
  fs::remove(description);  // if damaged
  fs::remove(values);       // left by an interrupted save
  std::vector<TensorSpec> specs;
  const WholeState state(optimizer, objective, ranks_);
  for (std::size_t i = 0; i < state.size(); ++i) specs.push_back(state.spec(i));
  SafetensorsWriter writer(values, specs, {}, Access::owner_only);
  for (std::size_t i = 0; i < state.size(); ++i) writer.write(bytes_of(state.read(i)));
  writer.close();
  const Json json = {
      {"step", steps_done}, {"identity", options_.identity}, {"running", running}, {"hash", file_hash(values)}};
  write_file(description, dump_json(json, 1) + "\n", Access::owner_only);
  std::set<std::string> kept;
  for (const std::int64_t step : keep_) kept.insert(snapshot_name(step));
  const auto all = descriptions_in(options_.folder);
  for (std::size_t i = 2; i < all.size(); ++i) {
    if (kept.contains(all[i].stem().string())) continue;
    fs::remove(all[i]);
    fs::remove(values_of_snapshot(all[i]));
  }
  saved_ = steps_done;
  last_ = std::chrono::steady_clock::now();
}

void Snapshots::load(std::int64_t step, AdamW& optimizer, const NamedTensors& objective) const {
  const fs::path path = options_.folder / (snapshot_name(step) + ".json");
  check_identity(read_description(path).identity, options_.identity, path);
  load_values(values_of_snapshot(path), optimizer, objective, ranks_);
}

}  // namespace lethe
