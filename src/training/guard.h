// Stops a diverging run before it writes a broken model: NaN or infinite values, and terms that explode without ever
// becoming NaN. The objective supplies the advice on what to change.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace lethe {

struct GuardOptions {
  double limit =
      25.0;  ///< nats: a term whose running mean passes it has diverged (a uniform guess over 32,000 tokens costs 10.4)
  std::int64_t patience = 5;     ///< steps that the running mean covers
  std::set<std::string> rising;  ///< terms to which the limit does not apply
  /// By term: what to change if it passes the limit. Other terms get the general advice.
  std::map<std::string, std::string> advice;
  std::string rate_key = "training.lr";  ///< the learning rate's key, for advice
};

class DivergenceGuard {
 public:
  explicit DivergenceGuard(const GuardOptions& options = {}) : options_(options) {}
  /// @throws Error naming the term, the step and what to change, if the run has diverged
  void check(std::int64_t step, const std::map<std::string, double>& terms, double gradient_norm);
  /// The running means, by term: the guard's only state.
  std::map<std::string, double>& running() { return running_; }

 private:
  GuardOptions options_;
  std::map<std::string, double> running_;
};

}  // namespace lethe
