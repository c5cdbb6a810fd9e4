#include "data/pairs.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "core/json.h"
#include "core/random.h"
#include "data/read_sources.h"
#include "data/words.h"

namespace lethe {
namespace {

/// Hashes every turn before the prompt: chats often have equal last turns.
std::uint64_t hash_of(const std::vector<ChatMessage>& before, std::uint64_t seed) {
  for (const ChatMessage& turn : before) seed = stable_hash(turn.content, stable_hash(turn.role, seed));
  return seed;
}

}  // namespace

std::string json_line(const Pair& pair) {
  if (pair.prompt.empty() && pair.before.empty()) return dump_json(OrderedJson{{"text", pair.response}}) + "\n";
  OrderedJson line{{"prompt", pair.prompt}, {"response", pair.response}};
  if (!pair.before.empty()) {
    OrderedJson messages = OrderedJson::array();
    for (const ChatMessage& turn : pair.before) messages.push_back({{"role", turn.role}, {"content", turn.content}});
    messages.push_back({{"role", "user"}, {"content", pair.prompt}});
    messages.push_back({{"role", "assistant"}, {"content", pair.response}});
    line["messages"] = std::move(messages);
    line["last_turn_only"] = true;
  }
  return dump_json(line) + "\n";
}

std::string prompt_key(const Pair& pair) {
  for (const ChatMessage& turn : pair.before) {
    if (turn.role == "user") return normal_form(turn.content);
  }
  return pair.prompt.empty() ? "\x01" + normal_form(pair.response) : normal_form(pair.prompt);
}

LoadedPairs load_pairs(std::span<const DataSource> sources, Role role, const ReadOptions& options) {
  LoadedPairs loaded;
  std::unordered_multimap<std::uint64_t, std::size_t> seen;
  const auto take = [&](RowContent&& content, std::uint64_t line, FileReport& report) {
    const std::uint64_t context = hash_of(content.before, stable_hash(content.prompt));
    for (auto& response : content.responses) {
      const std::uint64_t hash = stable_hash(response, context);
      const auto [begin, end] = seen.equal_range(hash);
      const bool known = std::any_of(begin, end, [&](const auto& entry) {
        const Pair& pair = loaded.pairs[entry.second];
        return pair.prompt == content.prompt && pair.response == response && pair.before == content.before;
      });
      ++(known ? report.duplicates : report.pairs);
      if (known) continue;
      seen.emplace(hash, loaded.pairs.size());
      loaded.pairs.push_back({content.prompt, std::move(response), report.path, line, content.before});
    }
  };
  loaded.files = read_sources(sources, role, true, options, take);
  return loaded;
}

void check_roles_differ(std::span<const Pair> harmful, std::span<const Pair> normal) {
  std::unordered_map<std::string, std::string> real_paths;  // of each path as given
  const auto place_of = [&](const Pair& pair) {
    auto [at, is_new] = real_paths.try_emplace(pair.source);
    std::error_code none;
    if (is_new) at->second = std::filesystem::weakly_canonical(pair.source, none).string();
    return hash_of(pair.before, stable_hash(pair.response, stable_hash(at->second, pair.line)));
  };
  std::unordered_set<std::uint64_t> places;
  for (const Pair& pair : harmful) places.insert(place_of(pair));
  std::uint64_t shared = 0;
  const Pair* first = nullptr;
  for (const Pair& pair : normal) {
    if (!places.contains(place_of(pair))) continue;
    if (first == nullptr) first = &pair;
    ++shared;
  }
  if (first == nullptr) return;
  throw bad_input("cannot use " + first->source + " as harmful and as normal data")
      .with("reason", "both roles read the same file, and nothing in its rows tells harmful answers from normal ones")
      .found(with_commas(shared) + " answers in both roles, first on line " + with_commas(first->line))
      .hint("another file; or choose rows for each role: " + first->source + ":where=is_safe == false");
}

}  // namespace lethe
