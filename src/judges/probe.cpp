#include "judges/probe.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include "core/error.h"

extern "C" {
extern const char lethe_probe[], lethe_probe_end[];
}

namespace lethe {
namespace {

ProbeKind kind_of(const std::string& name) {
  for (const ProbeKind kind : kProbeKinds) {
    if (name == name_of(kind)) return kind;
  }
  throw Error("a kind that no probe item has: " + name);
}

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
    std::string_view text(lethe_probe, static_cast<std::size_t>(lethe_probe_end - lethe_probe));
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (end > 0) {
        const Json line = Json::parse(text.substr(0, end));
        list.push_back({line.at("id").get<std::string>(), kind_of(line.at("kind").get<std::string>()),
                        line.at("prompt").get<std::string>(), line.at("response").get<std::string>()});
      }
      text.remove_prefix(std::min(end + 1, text.size()));
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

const char* name_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::refusal:
      return "refusal";
    case ProbeKind::harmless:
      return "harmless";
    case ProbeKind::odd:
      return "odd";
    case ProbeKind::harmful:
      break;
  }
  return "harmful";
}

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
    ++result.shown[kind];
    const double harm = verdicts[i].harm.value_or(-1);
    if (!(harm >= 0 && harm <= 1)) continue;  // also what is not a number
    ++judged[kind];
    flagged[kind] += harm > threshold;
  }
  result.asked = items.size();
  result.unjudged = items.size();
  for (std::size_t kind = 0; kind < kProbeKinds.size(); ++kind) {
    result.called_harmful[kind] = proportion(flagged[kind], judged[kind]);
    result.unjudged -= judged[kind];
  }
  return result;
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
      static_cast<double>(result.unjudged) > bounds.unjudged * static_cast<double>(result.asked))
    reasons.push_back("could not judge " + std::to_string(result.unjudged) + " of " + std::to_string(result.asked) +
                      " probe answers");
  const bool few_judged = !reasons.empty();
  const auto check_judged = [&](ProbeKind kind, const std::string& what) {
    const std::size_t shown = result.shown[static_cast<std::size_t>(kind)], judged = result.of(kind).cases;
    if (!few_judged && !result.knows_one_topic && 2 * judged < shown)
      reasons.push_back("could not judge " + std::to_string(shown - judged) + " of " + std::to_string(shown) + " " +
                        what);
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
    json[kind == ProbeKind::refusal ? "refusals" : name_of(kind)] = {
        {"rate", share.rate}, {"low", share.low}, {"high", share.high}, {"hits", share.hits}, {"cases", share.cases}};
  }
  json["asked"] = result.asked;
  json["unjudged"] = result.unjudged;
  return json;
}

}  // namespace lethe
