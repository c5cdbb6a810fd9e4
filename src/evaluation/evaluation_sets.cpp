#include "evaluation/evaluation_sets.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "core/terminal.h"
#include "data/folders.h"
#include "data/reporting.h"
#include "evaluation/safe_prompts.h"

namespace lethe {
namespace {

std::vector<std::string> load_texts(const std::vector<DataSource>& sources, RunRecord* run) {
  std::vector<std::string> texts;
  std::vector<DataSource> rows;
  for (const DataSource& source : expand_sources(sources)) {
    if (!source.path.ends_with(".txt")) {
      rows.push_back(source);
      continue;
    }
    texts.push_back(read_file(source.path));
    if (run != nullptr) run->add_input("text", source.path);
    say(source.path + ": " + with_commas(texts.back().size()) + " bytes of text");
  }
  if (rows.empty()) return texts;
  const LoadedPairs loaded = load_pairs(rows, Role::generic);
  report_files(loaded.files, "text", run);
  for (const Pair& pair : loaded.pairs) texts.push_back(pair.response);
  return texts;
}

/// What is asked, as one text: of a chat all its turns, since chats may end in the same one ("Go on."). A message of
/// the system, which many chats share, does not count.
std::string asked_text(const Question& question) {
  std::string text;
  for (const ChatMessage& turn : question.before) {
    if (turn.role != "system") text += turn.content + "\n";
  }
  return text + question.prompt;
}
std::string asked_text(const ChoiceQuestion& question) {
  return question.question;
}

/// A set that is compared with training: its name, and each prompt with its place.
struct ComparedSet {
  std::string name;
  std::vector<std::string> prompts;
  std::vector<std::pair<std::string, std::uint64_t>> places;
  std::function<void(const std::vector<bool>& out)> remove;
};

template <class Item>
ComparedSet compared(const std::string& name, std::vector<Item>& items) {
  ComparedSet set{name, {}, {}, {}};
  for (const Item& item : items) {
    set.prompts.push_back(asked_text(item));
    set.places.emplace_back(item.source, item.line);
  }
  set.remove = [&items](const std::vector<bool>& out) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (out[i]) continue;
      if (kept != i) items[kept] = std::move(items[i]);
      ++kept;
    }
    items.resize(kept);
  };
  return set;
}

void write_overlap(const std::vector<LeftOutPrompt>& found, const RunRecord& run) {
  std::string lines;
  for (const LeftOutPrompt& prompt : found) {
    lines += dump_json(OrderedJson{{"set", prompt.set},
                                   {"file", prompt.source},
                                   {"line", prompt.line},
                                   {"trained_file", prompt.trained_source},
                                   {"trained_line", prompt.trained_line},
                                   {"exact", prompt.exact},
                                   {"similarity", prompt.similarity},
                                   {"prompt", excerpt(prompt.prompt, 300)},
                                   {"trained_prompt", excerpt(prompt.trained, 300)}}) +
             "\n";
  }
  write_file(run.path() / "overlap.jsonl", lines);
}

/// The first `count` by a hash of their prompts, in their order.
template <class Item>
std::vector<Item> choose(const std::vector<Item>& items, std::size_t count, std::uint64_t seed) {
  if (items.size() <= count) return items;
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < items.size(); ++i) order.emplace_back(stable_hash(asked_text(items[i]), seed), i);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back(order[i].second);
  std::sort(places.begin(), places.end());
  std::vector<Item> chosen;
  for (const std::size_t place : places) chosen.push_back(items[place]);
  return chosen;
}

}  // namespace

std::vector<Question> load_reported_questions(const std::vector<DataSource>& sources, Role role,
                                              const std::string& name, RunRecord* run) {
  if (sources.empty()) return {};
  LoadedQuestions loaded = load_questions(sources, role);
  report_files(loaded.files, name, run);
  if (loaded.questions.empty())
    throw bad_input("cannot evaluate on the " + name + " prompts").wanted("at least one").found("none");
  return std::move(loaded.questions);
}

void load_further_sets(const EvaluationSettings& settings, EvaluationSets& sets, RunRecord* run) {
  sets.other = load_reported_questions(settings.other, Role::harmful, "other harmful", run);
  if (!settings.xstest.empty()) {
    LoadedSafetyPrompts loaded = load_safety_prompts(settings.xstest);
    report_files(loaded.files, "xstest", run);
    sets.safe = std::move(loaded.safe);
    sets.contrast = std::move(loaded.unsafe);
  } else if (settings.safe_prompts) {
    sets.safe = safe_prompts(SafePromptPart::report);
    sets.built_in_safe = true;
  }
  if (!settings.choices.empty()) {
    LoadedChoices loaded = load_choices(settings.choices);
    report_files(loaded.files, "choices", run);
    sets.choices = std::move(loaded.questions);
  }
  sets.texts = load_texts(settings.text, run);
}

std::vector<LeftOutPrompt> leave_out_overlap(EvaluationSets& sets, const std::vector<Question>& trained,
                                             const OverlapOptions& options, RunRecord* run,
                                             const std::vector<std::string>& keep) {
  std::vector<ComparedSet> all = {compared("unseen", sets.unseen),
                                  compared("other", sets.other),
                                  compared("normal", sets.normal),
                                  compared(safe_set_name(sets), sets.safe),
                                  compared("xstest contrast", sets.contrast),
                                  compared("choices", sets.choices)};
  std::erase_if(all, [&](const ComparedSet& set) {
    return set.prompts.empty() || std::find(keep.begin(), keep.end(), set.name) != keep.end();
  });
  std::vector<std::string> evaluated, training;
  for (const ComparedSet& set : all) evaluated.insert(evaluated.end(), set.prompts.begin(), set.prompts.end());
  for (const Question& question : trained) training.push_back(asked_text(question));
  const std::vector<Overlap> overlaps = find_overlap(evaluated, training, options);

  std::vector<LeftOutPrompt> found;
  std::size_t first = 0;
  auto overlap = overlaps.begin();
  for (const ComparedSet& set : all) {
    std::vector<bool> out(set.prompts.size(), false);
    std::size_t exact = 0, near = 0;
    for (; overlap != overlaps.end() && overlap->evaluated < first + set.prompts.size(); ++overlap) {
      const std::size_t i = overlap->evaluated - first;
      const Question& like = trained[overlap->training];
      out[i] = true;
      ++(overlap->exact ? exact : near);
      found.push_back({set.name, set.prompts[i], set.places[i].first, training[overlap->training], like.source,
                       set.places[i].second, like.line, overlap->exact, overlap->similarity});
    }
    first += set.prompts.size();
    if (exact + near == 0) continue;
    set.remove(out);
    const std::string told = with_commas(exact + near) + " of " + with_commas(out.size()) + " " + set.name +
                             " prompts: trained on, word for word (" + with_commas(exact) + ") or nearly (" +
                             with_commas(near) + ")";
    say("left out " + told);
    if (run != nullptr) run->leave_out(told + "; overlap.jsonl lists them");
    if (exact + near == out.size()) {
      warn("no " + set.name +
           " prompt is left: all of them were trained on; the figures of this set will be missing (" +
           "give other prompts, or another data.split)");
    }
  }
  if (run != nullptr && !found.empty()) write_overlap(found, *run);
  return found;
}

std::vector<Question> choose_questions(const std::vector<Question>& questions, std::size_t count, std::uint64_t seed) {
  return choose(questions, count, seed);
}

std::vector<ChoiceQuestion> choose_questions(const std::vector<ChoiceQuestion>& questions, std::size_t count,
                                             std::uint64_t seed) {
  return choose(questions, count, seed);
}

}  // namespace lethe
