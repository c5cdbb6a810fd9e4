#include "data/columns.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "core/random.h"
#include "data/column_watch.h"
#include "data/fields.h"
#include "data/filter.h"
#include "data/folders.h"
#include "data/layouts.h"
#include "data/words.h"

namespace lethe {
namespace {

const char* role_name(Role role) {
  return role == Role::harmful ? "harmful" : role == Role::normal ? "normal" : "training";
}

std::string listed(const Json& row) {
  std::string text;
  for (const auto& field : row.items()) {
    text += (text.empty() ? "" : ", ") + excerpt(field.key(), 40);
    if (text.size() > 200) break;
  }
  return excerpt(text, 200);
}

Error unknown_columns(const DataSource& source, const std::vector<std::string>& columns, bool need_response) {
  return bad_input("cannot tell which columns of " + source.path + " hold prompts" +
                   (need_response ? " and responses" : ""))
      .wanted("the columns of a known data set (prompt and response, question and answer, messages, …)")
      .found(listed_columns(columns))
      .hint("name them: " + source.path + ":prompt=COLUMN" + (need_response ? ",response=COLUMN" : ""));
}

/// The prompt in its chat.
std::string context_key(const std::string& prompt, const std::vector<ChatMessage>& before) {
  std::string key;
  for (const ChatMessage& turn : before) key += turn.role + "\x02" + normal_form(turn.content) + "\x01";
  return key + normal_form(prompt);
}

/// Names the layouts of a file, in the order in which they were found.
class LayoutNames {
 public:
  void add(const std::string& name) {
    if (name == last_ || !known_.insert(name).second) return;
    last_ = name;
    constexpr std::size_t shown = 4;
    if (known_.size() <= shown) text_ += (text_.empty() ? "" : "; ") + name;
    if (known_.size() == shown + 1) text_ += "; …";
  }
  const std::string& text() const { return text_; }

 private:
  std::string last_, text_;
  std::set<std::string> known_;
};

/// Reads one file and hands over what each usable row says.
FileReport read_rows(const DataSource& source, Role role, bool need_response, const ReadOptions& options,
                     const std::function<void(RowContent&&, std::uint64_t line)>& take) {
  FileReport report;
  report.path = source.path;
  const RowFilter filter(source.where);
  RowReader reader(source.path, options);
  ColumnWatch watch(source, filter, reader.columns());
  const RowLayouts layouts(source, role, need_response);
  LayoutNames names;
  std::uint64_t unknown = 0, taken = 0;
  RowReading wrong_role;
  while (auto row = reader.next()) {
    watch.see(row->fields);
    if (!filter.matches(row->fields)) {
      ++report.filtered;
      continue;
    }
    RowReading reading;
    try {
      reading = layouts.read(row->fields);
    } catch (const UnusableRow& error) {
      reader.report().add_bad(row->line, error.what());
      continue;
    }
    if (reading.layout.empty()) {
      ++unknown;
      reader.report().add_bad(row->line, "no columns that are known: " + listed(row->fields));
      continue;
    }
    names.add(reading.layout);
    report.not_learned += reading.not_learned;
    report.unanswered += reading.unanswered;
    if (!reading.wrong_role.empty()) {
      ++report.other_role;
      wrong_role = std::move(reading);
      continue;
    }
    for (RowContent& content : reading.contents) {
      if (need_response && content.responses.empty()) {
        ++report.other_role;
      } else {
        ++taken;
        take(std::move(content), row->line);
      }
    }
  }
  report.rows = reader.report();
  report.layout = names.text();
  watch.check(reader.columns());
  if (taken == 0 && !wrong_role.wrong_role.empty()) {
    throw bad_input("cannot take " + source.path + " as " + role_name(role) + " data")
        .found(wrong_role.wrong_role)
        .hint("if that is what you mean, name the columns: " + source.path + ":" + wrong_role.option);
  }
  if (unknown > 0 && unknown == report.rows.bad_rows && names.text().empty())
    throw unknown_columns(source, reader.columns(), need_response);
  return report;
}

/// Depends on every turn before the prompt: chats often end alike.
std::uint64_t hash_of(const std::vector<ChatMessage>& before, std::uint64_t seed) {
  for (const ChatMessage& turn : before) seed = stable_hash(turn.content, stable_hash(turn.role, seed));
  return seed;
}

/// Each source must hold something: of a folder or a pattern one of its files, of which a filter may leave out some.
/// @param first  the first report of that source
void check_found(std::span<const FileReport> reports, std::size_t first, Role role, const std::string& what) {
  const auto of_source = reports.subspan(first);
  const bool found = std::any_of(of_source.begin(), of_source.end(),
                                 [](const FileReport& report) { return report.pairs + report.duplicates > 0; });
  if (found || of_source.empty()) return;
  Error error =
      bad_input("cannot take " + std::string(role_name(role)) + " " + what + " from " + of_source.front().path);
  error.wanted("at least one row");
  constexpr std::size_t shown = 3;
  for (const FileReport& report : of_source.first(std::min(shown, of_source.size()))) {
    for (const auto& line : describe(report)) error.found(line);
  }
  throw error;
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

DataSource parse_data_source(const std::string& text) {
  static const std::vector<std::string> options{"prompt", "response", "where"};
  const auto word_end = [&](std::size_t at) {
    while (at < text.size() && ((text[at] >= 'a' && text[at] <= 'z') || text[at] == '_')) ++at;
    return at;
  };
  DataSource source;
  // The first ':' with `word=` behind it ends the path: paths may hold colons of their own.
  std::size_t colon = text.find(':');
  while (colon != std::string::npos) {
    const std::size_t end = word_end(colon + 1);
    if (end > colon + 1 && end < text.size() && text[end] == '=') break;
    colon = text.find(':', colon + 1);
  }
  source.path = text.substr(0, colon);
  if (source.path.empty()) throw bad_usage("cannot read the data file '" + excerpt(text) + "'").wanted("a path");
  while (colon != std::string::npos) {
    const std::size_t end = word_end(colon + 1);
    const std::string name = text.substr(colon + 1, end - colon - 1);
    const bool known = std::find(options.begin(), options.end(), name) != options.end();
    if (!known || end >= text.size() || text[end] != '=') {
      Error error = bad_usage("cannot read the data file '" + excerpt(text, 200) + "'");
      error.wanted("prompt=COLUMN, response=COLUMN or where=FILTER behind the path")
          .found("'" + excerpt(text.substr(colon + 1)) + "'");
      if (const auto near = nearest(name, options); !near.empty()) error.hint("'" + near + "='");
      throw error;
    }
    const std::size_t comma = name == "where" ? std::string::npos : text.find(',', end);
    std::string& value = name == "prompt" ? source.prompt : name == "response" ? source.response : source.where;
    if (!value.empty())
      throw bad_usage("cannot read the data file '" + excerpt(text, 200) + "'").found(name + " twice");
    value = text.substr(end + 1, comma == std::string::npos ? comma : comma - end - 1);
    if (value.empty())
      throw bad_usage("cannot read the data file '" + excerpt(text, 200) + "'").found("nothing behind " + name + "=");
    colon = comma;
  }
  return source;
}

std::vector<DataSource> parse_data_sources(const std::vector<std::string>& texts) {
  std::vector<DataSource> sources;
  for (const std::string& text : texts) sources.push_back(parse_data_source(text));
  return sources;
}

std::string to_text(const DataSource& source) {
  std::string text = source.path;
  char separator = ':';
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    text += separator + std::string(name) + "=" + value;
    separator = ',';
  };
  add("prompt", source.prompt);
  add("response", source.response);
  add("where", source.where);
  return text;
}

LoadedPairs load_pairs(std::span<const DataSource> sources, Role role, const ReadOptions& options) {
  LoadedPairs loaded;
  std::unordered_multimap<std::uint64_t, std::size_t> seen;
  const auto read_file = [&](const DataSource& source) {
    std::uint64_t duplicates = 0, taken = 0;
    const auto take = [&](RowContent&& content, std::uint64_t line) {
      const std::uint64_t context = hash_of(content.before, stable_hash(content.prompt));
      for (auto& response : content.responses) {
        const std::uint64_t hash = stable_hash(response, context);
        const auto [begin, end] = seen.equal_range(hash);
        const bool known = std::any_of(begin, end, [&](const auto& entry) {
          const Pair& pair = loaded.pairs[entry.second];
          return pair.prompt == content.prompt && pair.response == response && pair.before == content.before;
        });
        if (known) {
          ++duplicates;
          continue;
        }
        seen.emplace(hash, loaded.pairs.size());
        loaded.pairs.push_back({content.prompt, std::move(response), source.path, line, content.before});
        ++taken;
      }
    };
    FileReport report = read_rows(source, role, true, options, take);
    report.duplicates = duplicates;
    report.pairs = taken;
    loaded.files.push_back(std::move(report));
  };
  for (const DataSource& source : sources) {
    const std::size_t first = loaded.files.size();
    for (const DataSource& one : expand_sources({&source, 1})) read_file(one);
    check_found(loaded.files, first, role, "pairs");
  }
  return loaded;
}

void check_roles_differ(std::span<const Pair> harmful, std::span<const Pair> normal) {
  std::unordered_map<std::string, std::string> real_paths;  // of each path as it was given
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
  std::unordered_set<std::string> known;  // answers, each after the place of its question
  const auto append_new = [&](std::size_t place, char kind, std::vector<std::string>& list,
                              std::vector<std::string>&& more) {
    for (auto& text : more) {
      if (known.insert(std::to_string(place) + kind + text).second) list.push_back(std::move(text));
    }
  };
  const auto read_file = [&](const DataSource& source) {
    std::uint64_t duplicates = 0, taken = 0;
    const auto take = [&](RowContent&& content, std::uint64_t line) {
      const auto [at, is_new] = index.try_emplace(context_key(content.prompt, content.before), loaded.questions.size());
      ++(is_new ? taken : duplicates);
      if (is_new) loaded.questions.push_back({content.prompt, {}, {}, source.path, line, content.before});
      Question& question = loaded.questions[at->second];
      append_new(at->second, 'r', question.references, std::move(content.responses));
      append_new(at->second, 'w', question.wrong, std::move(content.wrong));
    };
    FileReport report = read_rows(source, role, false, options, take);
    report.duplicates = duplicates;
    report.pairs = taken;
    loaded.files.push_back(std::move(report));
  };
  for (const DataSource& source : sources) {
    const std::size_t first = loaded.files.size();
    for (const DataSource& one : expand_sources({&source, 1})) read_file(one);
    check_found(loaded.files, first, role, "prompts");
  }
  return loaded;
}

std::vector<std::string> describe(const FileReport& report) {
  std::string text = with_commas(report.rows.rows) + " rows of " + report.path;
  if (!report.layout.empty()) text += " (" + report.layout + ")";
  text += ": " + with_commas(report.pairs) + " taken";
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += ", " + with_commas(count) + " " + what;
  };
  add(report.duplicates, "duplicates left out");
  add(report.filtered, "rows filtered out");
  add(report.other_role, "rows without a response of this kind");
  add(report.not_learned, "answers left out that are marked as not to be learned");
  add(report.unanswered, "last messages of a user left out");
  add(report.rows.bad_rows, "rows that cannot be used");
  std::vector<std::string> lines{text};
  constexpr std::size_t shown = 5;
  for (std::size_t i = 0; i < std::min(shown, report.rows.bad.size()); ++i) {
    lines.push_back(report.path + ", line " + with_commas(report.rows.bad[i].line) + ": " + report.rows.bad[i].why);
  }
  if (report.rows.bad_rows > shown) lines.push_back("… and " + with_commas(report.rows.bad_rows - shown) + " more");
  return lines;
}

}  // namespace lethe
