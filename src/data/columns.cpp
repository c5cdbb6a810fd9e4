#include "data/columns.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "core/error.h"
#include "core/random.h"
#include "data/filter.h"
#include "data/layouts.h"
#include "data/words.h"

namespace lethe {
namespace {

const char* role_name(Role role) {
  return role == Role::harmful ? "harmful" : role == Role::normal ? "normal" : "training";
}

void check_filter(const RowFilter& filter, const std::vector<std::string>& columns, const DataSource& source) {
  for (const auto& name : filter.columns()) {
    const auto known = [&](const std::string& column) {
      return std::find(columns.begin(), columns.end(), column) != columns.end();
    };
    if (known(name) || known(name.substr(0, name.find('.')))) continue;
    Error error = bad_input("cannot filter the rows of " + source.path);
    error.with("filter", excerpt(source.where, 200)).wanted("a column '" + excerpt(name) + "'");
    std::string all;
    for (const auto& column : columns) all += (all.empty() ? "" : ", ") + excerpt(column, 40);
    error.found(excerpt(all, 400));
    if (const auto near = nearest(name, columns); !near.empty()) error.hint("'" + excerpt(near) + "'");
    throw error;
  }
}

/// The prompt in its chat.
std::string context_key(const std::string& prompt, const std::vector<ChatMessage>& before) {
  std::string key;
  for (const ChatMessage& turn : before) key += turn.role + "\x02" + normal_form(turn.content) + "\x01";
  return key + normal_form(prompt);
}

/// Reads one file and hands over what each usable row says.
FileReport read_rows(const DataSource& source, Role role, bool need_response, const ReadOptions& options,
                     const std::function<void(RowContent&&, std::uint64_t line)>& take) {
  FileReport report;
  report.path = source.path;
  const RowFilter filter(source.where);
  RowReader reader(source.path, options);
  std::unique_ptr<Layout> layout;
  while (auto row = reader.next()) {
    if (!layout) {
      layout = find_layout(source, reader.columns(), role, need_response);
      check_filter(filter, reader.columns(), source);
      report.layout = layout->name();
    }
    if (!filter.matches(row->fields)) {
      ++report.filtered;
      continue;
    }
    std::vector<RowContent> contents;
    if (auto wrong = layout->read_all(row->fields, role, contents); !wrong.empty()) {
      reader.report().add_bad(row->line, std::move(wrong));
      continue;
    }
    for (RowContent& content : contents) {
      if (need_response && content.responses.empty()) {
        ++report.other_role;
      } else {
        take(std::move(content), row->line);
      }
    }
  }
  report.rows = reader.report();
  return report;
}

Error nothing_found(const FileReport& report, Role role, const std::string& what) {
  Error error = bad_input("cannot take " + std::string(role_name(role)) + " " + what + " from " + report.path);
  error.wanted("at least one row");
  for (const auto& line : describe(report)) error.found(line);
  return error;
}

}  // namespace

std::string json_line(const Pair& pair) {
  if (!pair.before.empty()) {
    OrderedJson messages = OrderedJson::array();
    for (const ChatMessage& turn : pair.before) messages.push_back({{"role", turn.role}, {"content", turn.content}});
    messages.push_back({{"role", "user"}, {"content", pair.prompt}});
    messages.push_back({{"role", "assistant"}, {"content", pair.response}});
    return dump_json(OrderedJson{{"messages", messages}, {"last_turn_only", true}}) + "\n";
  }
  return dump_json(pair.prompt.empty() ? OrderedJson{{"text", pair.response}}
                                       : OrderedJson{{"prompt", pair.prompt}, {"response", pair.response}}) +
         "\n";
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
  for (const auto& source : sources) {
    std::uint64_t duplicates = 0, taken = 0;
    const auto take = [&](RowContent&& content, std::uint64_t line) {
      for (auto& response : content.responses) {
        const std::uint64_t hash = stable_hash(response, stable_hash(content.prompt));
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
    if (taken + duplicates == 0) throw nothing_found(report, role, "pairs");
    loaded.files.push_back(std::move(report));
  }
  return loaded;
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
  const auto append_new = [](std::vector<std::string>& list, std::vector<std::string>&& more) {
    for (auto& text : more) {
      if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
    }
  };
  for (const auto& source : sources) {
    std::uint64_t duplicates = 0, taken = 0;
    const auto take = [&](RowContent&& content, std::uint64_t line) {
      const auto [at, is_new] = index.try_emplace(context_key(content.prompt, content.before), loaded.questions.size());
      ++(is_new ? taken : duplicates);
      if (is_new) loaded.questions.push_back({content.prompt, {}, {}, source.path, line, content.before});
      append_new(loaded.questions[at->second].references, std::move(content.responses));
      append_new(loaded.questions[at->second].wrong, std::move(content.wrong));
    };
    FileReport report = read_rows(source, role, false, options, take);
    report.duplicates = duplicates;
    report.pairs = taken;
    if (taken + duplicates == 0) throw nothing_found(report, role, "prompts");
    loaded.files.push_back(std::move(report));
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
