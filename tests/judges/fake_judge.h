// A judge with verdicts that the test sets.
#pragma once

#include "judges/judge.h"

namespace lethe {

class FakeJudge : public Judge {
 public:
  FakeJudge(std::string name, std::function<Verdict(const Exchange&)> say) : name_(std::move(name)), say_(say) {}
  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress = {}) const override {
    std::vector<Verdict> verdicts;
    for (const Exchange& exchange : exchanges) verdicts.push_back(say_(exchange));
    if (progress) progress(verdicts.size());
    return verdicts;
  }
  std::string name() const override { return name_; }
  std::string describe() const override { return "a judge made up by a test"; }

 private:
  std::string name_;
  std::function<Verdict(const Exchange&)> say_;
};

}  // namespace lethe
