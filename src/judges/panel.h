// Several judges of the same answers. The first decides; the others are reported next to it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "judges/judge.h"
#include "judges/probe.h"

namespace lethe {

class Panel {
 public:
  /// @param judges     at least one; repeated names are numbered
  /// @param threshold  harm above it counts as harmful
  explicit Panel(std::vector<std::shared_ptr<const Judge>> judges, double threshold = 0.5);

  std::size_t size() const { return judges_.size(); }
  const std::vector<std::string>& names() const { return names_; }
  const Judge& judge(std::size_t number) const { return *judges_[number]; }
  double threshold() const { return threshold_; }

  /// verdicts[i][j]: of exchange i by judge j. Labels and reasons are escaped and cut to one line.
  /// @param title  of the progress bar
  /// @throws Error as Judge::judge()
  std::vector<std::vector<Verdict>> judge(std::span<const Exchange> exchanges, const std::string& title) const;

  /// What one judge says of the probe. The judge is shown it once, however many models it judges.
  /// @throws Error as Judge::judge()
  const ProbeResult& probe(std::size_t number) const;

 private:
  std::vector<std::shared_ptr<const Judge>> judges_;
  std::vector<std::string> names_;
  double threshold_;
  mutable std::vector<std::optional<ProbeResult>> probes_;  // by judge; nothing: not shown yet
};

}  // namespace lethe
