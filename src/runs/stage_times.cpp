#include "runs/stage_times.h"

#include <algorithm>

#include "core/seconds_since.h"

namespace lethe {

StageTimes::Stage& StageTimes::stage_named(const std::string& name) {
  const auto place =
      std::find_if(stages_.begin(), stages_.end(), [&](const Stage& stage) { return stage.name == name; });
  if (place != stages_.end()) return *place;
  return stages_.emplace_back(Stage{.name = name});
}

void StageTimes::begin(const std::string& stage) {
  end();
  stage_named(stage);
  running_ = stage;
  start_ = std::chrono::steady_clock::now();
  peak_ = std::make_unique<MemoryPeak>();
}

void StageTimes::end() {
  if (!peak_) return;
  Stage& stage = stage_named(running_);
  stage.seconds += seconds_since(start_);
  stage.peak_bytes = std::max(stage.peak_bytes, peak_->bytes());
  peak_.reset();
}

void StageTimes::move_to_judging(const std::string& stage, double seconds) {
  if (seconds <= 0) return;
  stage_named("judging").seconds += seconds;
  stage_named(stage).seconds -= seconds;
}

double StageTimes::seconds(const std::string& stage) const {
  for (const Stage& each : stages_) {
    if (each.name == stage) return each.seconds;
  }
  return 0;
}

OrderedJson StageTimes::to_json() const {
  OrderedJson stages = OrderedJson::array();
  for (const Stage& stage : stages_) {
    OrderedJson json = {{"stage", stage.name}, {"seconds", stage.seconds}};
    if (stage.peak_bytes > 0) json["peak_bytes"] = stage.peak_bytes;
    stages.push_back(json);
  }
  return stages;
}

}  // namespace lethe
