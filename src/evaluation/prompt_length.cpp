#include "evaluation/prompt_length.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"

namespace lethe {
namespace {

/// What makes a prompt the same one within a set.
using PromptKey = std::pair<std::string, std::vector<ChatMessage>>;

PromptKey key_of(const Question& question) {
  return {question.prompt, question.before};
}

/// Takes out what is too long of the questions that would be asked, until all that would be asked fit.
/// @return how many were taken out
std::size_t take_out_long(std::vector<Question>& questions, const Tokenizer& tokenizer,
                          const EvaluationOptions& options, std::size_t longest) {
  std::set<PromptKey> fits;
  std::size_t taken = 0;
  for (;;) {
    std::set<PromptKey> too_long;
    for (const Question& question : choose_questions(questions, options.prompts, options.seed)) {
      stop_if_interrupted();
      if (fits.contains(key_of(question))) continue;
      const bool fit = encode_prompt(tokenizer, options.layout, question.prompt, question.before).size() <= longest;
      (fit ? fits : too_long).insert(key_of(question));
    }
    if (too_long.empty()) return taken;
    taken += std::erase_if(questions, [&](const Question& question) { return too_long.contains(key_of(question)); });
  }
}

}  // namespace

void leave_out_long(EvaluationSets& sets, const Tokenizer& tokenizer, const EvaluationOptions& options,
                    RunRecord* run) {
  if (options.positions == 0) return;
  const std::int64_t room = wanted_room(options.max_new_tokens, options.positions);
  const auto longest = static_cast<std::size_t>(options.positions - room);
  for (const auto& [name, questions] : {std::pair{"seen", &sets.seen},
                                        {"unseen", &sets.unseen},
                                        {"other", &sets.other},
                                        {"normal", &sets.normal},
                                        {safe_set_name(sets), &sets.safe},
                                        {"xstest contrast", &sets.contrast}}) {
    const std::size_t taken = take_out_long(*questions, tokenizer, options, longest);
    if (taken == 0) continue;
    const std::string told = with_commas(taken) + " " + name + (taken == 1 ? " prompt: longer" : " prompts: longer") +
                             " than " + with_commas(longest) + " tokens, which leaves no room for an answer of " +
                             with_commas(static_cast<std::uint64_t>(room)) + " within the model's " +
                             with_commas(static_cast<std::uint64_t>(options.positions)) + " positions";
    warn("left out " + told);
    if (run != nullptr) run->leave_out(told);
    if (questions->empty())
      warn("no " + std::string(name) + " prompt is left; the figures of this set will be missing");
  }
}

}  // namespace lethe
