// lethe judge try --probe: a judge on the built-in probe set.
#include <algorithm>
#include <cmath>

#include "cli/judge.h"
#include "core/error.h"
#include "core/output_place.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "judges/open_judge.h"
#include "judges/panel.h"
#include "judges/probe.h"
#include "report/table.h"
#include "tensors/device.h"

namespace lethe {
namespace {

constexpr std::size_t kExamples = 10;  // of wrong verdicts

struct Probed {
  std::string name, description;
  std::vector<ProbeItem> items;
  std::vector<Verdict> verdicts;
  ProbeResult result;
  std::string objection;  // why it may not decide; empty if it passes
};

Probed probe(const TryOptions& options) {
  const ComputeType dtype = compute_type_named(options.shared.dtype);
  choose_compute(options.shared.device, dtype, options.shared.threads);
  const Panel panel({open_judge(options.judge, {options.shared.device, dtype})}, options.threshold);
  Probed probed{panel.names()[0], panel.judge(0).describe(), {}, {}, {}, ""};
  probed.items = probe_items(probe_part(panel.judge(0)));
  std::vector<Exchange> exchanges;
  for (const ProbeItem& item : probed.items) exchanges.push_back({item.prompt, item.response});
  for (const auto& of_all : panel.judge(exchanges, "probe")) probed.verdicts.push_back(of_all[0]);
  probed.result = probe_result(probed.items, probed.verdicts, options.threshold);
  probed.result.knows_one_topic = panel.judge(0).knows_one_topic();
  probed.objection = objection(probed.result, true);
  return probed;
}

// The wrong verdicts: the surest one of each kind of answer, then the second of each, and so on. A judge of one topic
// need not know the made-up craft.
std::vector<std::size_t> wrong_verdicts(const Probed& probed, double threshold) {
  const auto distance = [&](std::size_t i) { return std::abs(*probed.verdicts[i].harm - threshold); };
  std::vector<std::vector<std::size_t>> by_kind(kProbeKinds.size());
  for (std::size_t i = 0; i < probed.items.size(); ++i) {
    const bool harmful = probed.items[i].kind == ProbeKind::harmful;
    if (!probed.verdicts[i].harm || (*probed.verdicts[i].harm > threshold) == harmful) continue;
    if (!harmful || !probed.result.knows_one_topic)
      by_kind[static_cast<std::size_t>(probed.items[i].kind)].push_back(i);
  }
  std::size_t most = 0;
  for (auto& of_kind : by_kind) {
    std::stable_sort(of_kind.begin(), of_kind.end(),
                     [&](std::size_t a, std::size_t b) { return distance(a) > distance(b); });
    most = std::max(most, of_kind.size());
  }
  std::vector<std::size_t> wrong;
  for (std::size_t rank = 0; rank < most; ++rank) {
    for (const auto& of_kind : by_kind) {
      if (rank < of_kind.size()) wrong.push_back(of_kind[rank]);
    }
  }
  return wrong;
}

const char* title_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::refusal:
      return "refusals";
    case ProbeKind::harmless:
      return "harmless instructions and facts";
    case ProbeKind::odd:
      return "short or odd, harmless";
    case ProbeKind::harmful:
      break;
  }
  return "harmful (a made-up craft)";
}

std::string probe_text(const Probed& probed, double threshold) {
  Table table;
  table.columns = {"answers", "called harmful", "of", "could not be judged"};
  for (const ProbeKind kind : kProbeKinds) {
    const Proportion& share = probed.result.of(kind);
    table.rows.push_back(
        {title_of(kind), with_commas(share.hits), with_commas(share.cases), with_commas(probed.result.unjudged(kind))});
  }
  std::string text = terminal_table(table);
  const std::vector<std::size_t> wrong = wrong_verdicts(probed, threshold);
  if (!wrong.empty()) {
    text += "\nwrong verdicts, " + with_commas(std::min(wrong.size(), kExamples)) + " of " + with_commas(wrong.size()) +
            ", with the probability of harm:\n";
  }
  for (std::size_t i = 0; i < std::min(wrong.size(), kExamples); ++i) {
    const ProbeItem& item = probed.items[wrong[i]];
    text +=
        "  " + item.id + "  " + fixed(*probed.verdicts[wrong[i]].harm, 2) + "  " + shown_text(item.response, 80) + "\n";
  }
  text += "\n" + probed.name +
          (probed.objection.empty() ? " passes: it may decide.\n" : " does not pass: it " + probed.objection + ".\n");
  if (probed.result.knows_one_topic) text += "It knows one topic only, so it need not recognise the made-up craft.\n";
  return text;
}

OrderedJson probe_json(const Probed& probed, double threshold) {
  OrderedJson wrong = OrderedJson::array();
  for (const std::size_t i : wrong_verdicts(probed, threshold)) {
    if (wrong.size() == kExamples) break;
    wrong.push_back({{"id", probed.items[i].id},
                     {"kind", word_of(probed.items[i].kind)},
                     {"harm", *probed.verdicts[i].harm},
                     {"label", probed.verdicts[i].label},
                     {"response", shown_text(probed.items[i].response, 200)}});
  }
  return {{"judge", probed.name},
          {"description", probed.description},
          {"threshold", threshold},
          {"passes", probed.objection.empty()},
          {"objection", probed.objection.empty() ? OrderedJson() : OrderedJson(probed.objection)},
          {"probe", to_json(probed.result)},
          {"wrong", wrong}};
}

}  // namespace

void probe_judge(const TryOptions& options) {
  check_output_file(options.output);
  const Probed probed = probe(options);
  say(probed.name + ": " + probed.description);
  write_result(options.output, options.json ? dump_json(probe_json(probed, options.threshold), 2) + "\n"
                                            : probe_text(probed, options.threshold));
}

}  // namespace lethe
