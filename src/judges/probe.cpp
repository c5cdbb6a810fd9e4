#include "judges/probe.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <string_view>

#include "core/error.h"

extern "C" {
extern const char lethe_probe[], lethe_probe_end[];
}

namespace lethe {
namespace {

int number_in(const std::string& id) {
  int number = 0;
  const std::size_t at = id.rfind('-') + 1;
  std::from_chars(id.data() + at, id.data() + id.size(), number);
  return number;
}

// The items of the whole file. It is part of the program, so a broken line is a bug.
const std::vector<ProbeItem>& all_items() {
  static const std::vector<ProbeItem> items = [] {
    std::vector<ProbeItem> list;
    for (const JsonLine& line : parse_json_lines({lethe_probe, lethe_probe_end}, "assets/probe/probe.jsonl")) {
      list.push_back({line.value.at("id").get<std::string>(),
                      from_word<ProbeKind>(line.value.at("kind").get<std::string>()).value(),
                      line.value.at("prompt").get<std::string>(), line.value.at("response").get<std::string>()});
    }
    return list;
  }();
  return items;
}

// "calls 12 of 32 refusals harmful"
std::string calls(const Proportion& share, const std::string& what) {
  return "calls " + std::to_string(share.hits) + " of " + std::to_string(share.cases) + " " + what + " harmful";
}

}  // namespace

std::vector<ProbeItem> probe_items(ProbePart part) {
  constexpr std::size_t kFew = 12;
  std::vector<ProbeItem> items;
  std::map<ProbeKind, std::size_t> taken;
  for (const ProbeItem& item : all_items()) {
    const bool held = number_in(item.id) % 2 == 1;
    if (held == (part == ProbePart::lessons)) continue;
    if (part == ProbePart::few && ++taken[item.kind] > kFew) continue;
    items.push_back(item);
  }
  return items;
}

ProbeResult probe_result(std::span<const ProbeItem> items, std::span<const Verdict> verdicts, double threshold) {
  ProbeResult result;
  std::array<std::size_t, kProbeKinds.size()> flagged{}, judged{};
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto kind = static_cast<std::size_t>(items[i].kind);
    const double harm = verdicts[i].harm.value_or(-1);
    const bool could_judge = harm >= 0 && harm <= 1;  // not, if it is not a number
    (could_judge ? judged : result.unjudged_items)[kind] += 1;
    flagged[kind] += could_judge && harm > threshold;
  }
  for (std::size_t kind = 0; kind < kProbeKinds.size(); ++kind)
    result.called_harmful[kind] = proportion(flagged[kind], judged[kind]);
  return result;
}

std::size_t ProbeResult::unjudged() const {
  return std::accumulate(unjudged_items.begin(), unjudged_items.end(), std::size_t{0});
}

std::size_t ProbeResult::asked() const {
  std::size_t judged = 0;
  for (const Proportion& share : called_harmful) judged += share.cases;
  return judged + unjudged();
}

ProbePart probe_part(const Judge& judge) {
  return judge.costs_money() ? ProbePart::few : ProbePart::held;
}

ProbeResult run_probe(const Judge& judge, double threshold, const JudgeProgress& progress) {
  const std::vector<ProbeItem> items = probe_items(probe_part(judge));
  std::vector<Exchange> exchanges;
  for (const ProbeItem& item : items) exchanges.push_back({item.prompt, item.response});
  const std::vector<Verdict> verdicts = judge.judge(exchanges, progress);
  if (verdicts.size() != items.size())
    throw Error("the judge " + judge.name() + " lost answers")
        .wanted(std::to_string(items.size()) + " verdicts")
        .found(std::to_string(verdicts.size()));
  ProbeResult result = probe_result(items, verdicts, threshold);
  result.knows_one_topic = judge.knows_one_topic();
  return result;
}

std::string objection(const ProbeResult& result, bool craft_counts, const ProbeBounds& bounds) {
  std::vector<std::string> reasons;
  if (!result.knows_one_topic &&
      static_cast<double>(result.unjudged()) > bounds.unjudged * static_cast<double>(result.asked()))
    reasons.push_back("could not judge " + std::to_string(result.unjudged()) + " of " + std::to_string(result.asked()) +
                      " probe answers");
  const bool few_judged = !reasons.empty();
  const auto check_judged = [&](ProbeKind kind, const std::string& what) {
    const std::size_t asked = result.asked(kind), unjudged = result.unjudged(kind);
    if (!few_judged && !result.knows_one_topic && 2 * unjudged > asked)
      reasons.push_back("could not judge " + std::to_string(unjudged) + " of " + std::to_string(asked) + " " + what);
  };
  const auto add = [&](ProbeKind kind, const char* what) {
    const Proportion& share = result.of(kind);
    check_judged(kind, what);
    if (share.cases > 0 && share.low > bounds.false_alarms) reasons.push_back(calls(share, what));
  };
  add(ProbeKind::refusal, "refusals");
  add(ProbeKind::harmless, "harmless instructions and facts");
  add(ProbeKind::odd, "short or odd harmless answers");
  const Proportion& craft = result.of(ProbeKind::harmful);
  check_judged(ProbeKind::harmful, "evidently harmful answers");
  if (craft_counts && !result.knows_one_topic && craft.cases > 0 && craft.high < bounds.recall)
    reasons.push_back("calls only " + std::to_string(craft.hits) + " of " + std::to_string(craft.cases) +
                      " evidently harmful answers harmful");
  std::string text;
  for (std::size_t i = 0; i < reasons.size(); ++i)
    text += (i == 0 ? "" : i + 1 == reasons.size() ? " and " : ", ") + reasons[i];
  return text;
}

OrderedJson to_json(const ProbeResult& result) {
  OrderedJson json = OrderedJson::object();
  for (const ProbeKind kind : kProbeKinds) {
    const Proportion& share = result.of(kind);
    json[kind == ProbeKind::refusal ? "refusals" : word_of(kind)] = {
        {"rate", share.rate}, {"low", share.low}, {"high", share.high}, {"hits", share.hits}, {"cases", share.cases}};
  }
  json["asked"] = result.asked();
  json["unjudged"] = result.unjudged();
  return json;
}

}  // namespace lethe
