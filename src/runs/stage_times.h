// What each stage of a run took: seconds, and memory at its peak.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "tensors/memory_peak.h"

namespace lethe {

/// One stage follows another without a gap, so that the seconds add up to those of the run.
class StageTimes {
 public:
  /// Ends the stage before. A name that was used before adds to that stage.
  void begin(const std::string& stage);
  /// Ends the last stage.
  void end();
  /// Moves the judges' share of an ended stage to the stage "judging".
  void move_to_judging(const std::string& stage, double seconds);

  double seconds(const std::string& stage) const;
  /// For run.json: [{"stage", "seconds", "peak_bytes"}], in the order of their beginnings. Host memory (MemoryPeak).
  OrderedJson to_json() const;

 private:
  struct Stage {
    std::string name;
    double seconds = 0;
    std::uint64_t peak_bytes = 0;
  };
  Stage& stage_named(const std::string& name);

  std::vector<Stage> stages_;
  std::string running_;
  std::chrono::steady_clock::time_point start_;
  std::unique_ptr<MemoryPeak> peak_;
};

}  // namespace lethe
