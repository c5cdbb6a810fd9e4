#include "data/questions.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "data/read_sources.h"
#include "data/words.h"

namespace lethe {
namespace {

/// The prompt in its chat.
std::string context_key(const std::string& prompt, const std::vector<ChatMessage>& before) {
  std::string key;
  for (const ChatMessage& turn : before) key += turn.role + "\x02" + normal_form(turn.content) + "\x01";
  return key + normal_form(prompt);
}

}  // namespace

std::vector<Question> questions_of(std::span<const Pair> pairs) {
  std::vector<Question> questions;
  std::unordered_map<std::string, std::size_t> index;
  for (const auto& pair : pairs) {
    const auto [at, is_new] = index.try_emplace(
        pair.before.empty() ? prompt_key(pair) : context_key(pair.prompt, pair.before), questions.size());
    if (is_new) questions.push_back({pair.prompt, {}, {}, pair.source, pair.line, pair.before});
    questions[at->second].references.push_back(pair.response);
  }
  return questions;
}

LoadedQuestions load_questions(std::span<const DataSource> sources, Role role, const ReadOptions& options) {
  LoadedQuestions loaded;
  std::unordered_map<std::string, std::size_t> index;
  std::unordered_set<std::string> known;  // answers, each prefixed by the index of its question
  const auto append_new = [&](std::size_t place, char kind, std::vector<std::string>& list,
                              std::vector<std::string>&& more) {
    for (auto& text : more) {
      if (known.insert(std::to_string(place) + kind + text).second) list.push_back(std::move(text));
    }
  };
  const auto take = [&](RowContent&& content, std::uint64_t line, FileReport& report) {
    const auto [at, is_new] = index.try_emplace(context_key(content.prompt, content.before), loaded.questions.size());
    ++(is_new ? report.pairs : report.duplicates);
    if (is_new) loaded.questions.push_back({content.prompt, {}, {}, report.path, line, content.before});
    Question& question = loaded.questions[at->second];
    append_new(at->second, 'r', question.references, std::move(content.responses));
    append_new(at->second, 'w', question.wrong, std::move(content.wrong));
  };
  loaded.files = read_sources(sources, role, false, options, take);
  return loaded;
}

}  // namespace lethe
