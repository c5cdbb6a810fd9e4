#include "prompts/chat_template.h"

#include <cstdlib>

#include "core/error.h"
#include "core/files.h"
#include "core/numbers.h"
#include "core/utf8.h"
#include "jinja/interpreter.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kOwnTemplate = "a template of your own: --template 'Question: {prompt}\\nAnswer: {response}'";

using Variables = std::vector<std::pair<std::string, jinja::Value>>;

Json json_if_there(const fs::path& file) {
  return fs::exists(file) ? read_json(file) : Json();
}

// The template: a text, or the "default" one of a list of named templates.
std::string template_of(const Json& settings) {
  if (!settings.is_object() || !settings.contains("chat_template")) return "";
  const Json& value = settings.at("chat_template");
  if (value.is_string()) return value.get<std::string>();
  std::string chosen;
  const auto choose = [&](const Json& named) { chosen = named.is_string() ? named.get<std::string>() : ""; };
  if (value.is_object() && value.contains("default")) choose(value.at("default"));
  if (!value.is_array()) return chosen;
  for (const Json& entry : value) {
    if (entry.is_object() && entry.value("name", Json()) == "default" && entry.contains("template"))
      choose(entry.at("template"));
  }
  return chosen;
}

struct Found {
  std::string source, where;
};

Found find_template(const fs::path& folder) {
  if (fs::exists(folder / "chat_template.jinja"))
    return {read_file(folder / "chat_template.jinja"), (folder / "chat_template.jinja").string()};
  for (const char* name : {"tokenizer_config.json", "chat_template.json"}) {
    std::string source = template_of(json_if_there(folder / name));
    if (!source.empty()) return {std::move(source), (folder / name).string()};
  }
  return {};
}

// "<s>", or {"content": "<s>", …}
std::string token_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("content") && value.at("content").is_string())
    return value.at("content").get<std::string>();
  return "";
}

OrderedJson special_tokens(const fs::path& folder) {
  OrderedJson tokens = OrderedJson::object();
  for (const char* name : {"special_tokens_map.json", "tokenizer_config.json"}) {  // the latter wins
    const Json settings = json_if_there(folder / name);
    if (!settings.is_object()) continue;
    for (const auto& [key, value] : settings.items()) {
      if (key.ends_with("_token") && !token_text(value).empty()) tokens[key] = token_text(value);
    }
    if (!settings.contains("extra_special_tokens")) continue;
    for (const auto& [key, value] : settings.at("extra_special_tokens").items()) {
      if (settings.at("extra_special_tokens").is_object() && !token_text(value).empty())
        tokens[key] = token_text(value);
    }
  }
  return tokens;
}

}  // namespace

struct ChatTemplate::Tree {
  jinja::Body body;
  Variables variables;
};

std::time_t template_time() {
  const char* fixed = std::getenv("SOURCE_DATE_EPOCH");
  const auto seconds = fixed != nullptr ? parse_whole_number(fixed) : std::nullopt;
  return seconds ? static_cast<std::time_t>(*seconds) : std::time(nullptr);
}

bool ChatTemplate::exists(const fs::path& folder) {
  return !find_template(folder).source.empty();
}

ChatTemplate ChatTemplate::load(const fs::path& folder) {
  const Found found = find_template(folder);
  if (found.source.empty()) {
    throw bad_input("cannot use the chat template of " + folder.string())
        .wanted("chat_template.jinja, or chat_template in tokenizer_config.json")
        .found("none: this is no instruct model, or its files are incomplete")
        .hint(kOwnTemplate);
  }
  return ChatTemplate(found.source, special_tokens(folder), found.where);
}

ChatTemplate::ChatTemplate(const std::string& source, const OrderedJson& variables, std::string where)
    : source_(source), where_(std::move(where)) {
  auto tree = std::make_shared<Tree>();
  try {
    tree->body = jinja::parse(valid_utf8(source));
    for (const auto& [name, value] : variables.items()) tree->variables.emplace_back(name, jinja::Value::of(value));
  } catch (Error& error) {
    error.with("template", where_).hint(kOwnTemplate);
    throw;
  }
  tree_ = std::move(tree);
}

template <class Given>
MarkedText ChatTemplate::run(Given given) const {
  Variables variables = tree_->variables;
  for (auto& entry : given) variables.push_back(std::move(entry));
  try {
    return jinja::Interpreter({}, template_time()).run(tree_->body, variables);
  } catch (Error& error) {
    error.with("template", where_);
    throw;
  }
}

MarkedText ChatTemplate::render(std::span<const ChatMessage> messages, bool add_generation_prompt,
                                bool as_parts) const {
  using jinja::Value;
  std::vector<Value> list;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Value content = Value::text(valid_utf8(messages[i].content), static_cast<int>(i) + 1);
    if (as_parts) content = Value::list({Value::dict({{"type", Value::text("text")}, {"text", content}})});
    list.push_back(Value::dict({{"role", Value::text(messages[i].role)}, {"content", content}}));
  }
  return run(Variables{{"messages", Value::list(std::move(list))},
                       {"tools", Value::none()},
                       {"documents", Value::none()},
                       {"add_generation_prompt", Value(add_generation_prompt)}});
}

MarkedText ChatTemplate::render(const OrderedJson& given) const {
  Variables variables;
  for (const auto& [name, value] : given.items()) variables.emplace_back(name, jinja::Value::of(value));
  return run(std::move(variables));
}

}  // namespace lethe
