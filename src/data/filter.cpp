#include "data/filter.h"

#include <optional>

#include "core/error.h"
#include "core/numbers.h"

namespace lethe {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

std::optional<bool> as_bool(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

/// Scans the filter's text from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    return at_ == text_.size();
  }

  Error mistake(const std::string& wanted) {
    return bad_usage("cannot read the filter " + excerpt(text_, 200))
        .wanted(wanted)
        .found(at_end() ? "its end"
                        : "'" + excerpt(text_.substr(at_), 30) + "' at character " + std::to_string(at_ + 1))
        .hint("filters look like: split == 'train' and severity >= 2");
  }

  std::string bare() {
    at_end();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  /// Text between two equal quotation marks; a doubled mark stands for one.
  std::string quoted() {
    const char mark = text_[at_];
    const std::size_t begin = at_++;
    std::string value;
    while (at_ < text_.size()) {
      if (text_[at_] == mark) {
        ++at_;
        if (at_ == text_.size() || text_[at_] != mark) return value;
      }
      value += text_[at_++];
    }
    at_ = begin;
    throw mistake("a closing " + std::string(1, mark));
  }

  std::string column() {
    if (!at_end() && text_[at_] == '`') return quoted();
    std::string name = bare();
    if (name.empty()) throw mistake("a column name (in `backticks` if it holds blanks)");
    return name;
  }

  bool take(std::string_view word) {
    at_end();
    if (!text_.substr(at_).starts_with(word)) return false;
    if (is_name(word.back()) && at_ + word.size() < text_.size() && is_name(text_[at_ + word.size()])) return false;
    at_ += word.size();
    return true;
  }

  Json value() {
    if (at_end()) throw mistake("a value");
    if (text_[at_] == '\'' || text_[at_] == '"') return quoted();
    const std::size_t begin = at_;
    if (text_[at_] == '+') ++at_;
    const std::string word = bare();
    if (word == "true") return true;
    if (word == "false") return false;
    if (word == "null") return nullptr;
    if (const auto number = parse_number(word)) return *number;
    at_ = begin;
    throw mistake("true, false, null, a number or 'text' in quotation marks");
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const Json* find_field(const Json& fields, const std::string& column) {
  if (!fields.is_object()) return nullptr;
  if (const auto found = fields.find(column); found != fields.end()) return found->is_null() ? nullptr : &*found;
  for (auto dot = column.find('.'); dot != std::string::npos; dot = column.find('.', dot + 1)) {
    const auto outer = fields.find(column.substr(0, dot));
    if (outer != fields.end()) return find_field(*outer, column.substr(dot + 1));
  }
  return nullptr;
}

RowFilter::RowFilter(std::string_view text) {
  Scanner scanner(text);
  if (scanner.at_end()) return;
  do {
    Condition condition{scanner.column(), Op::equal, nullptr};
    // Longer operators come first, so that "<=" is not read as "<".
    if (scanner.take("==")) {
      condition.op = Op::equal;
    } else if (scanner.take("!=")) {
      condition.op = Op::unequal;
    } else if (scanner.take("<=")) {
      condition.op = Op::at_most;
    } else if (scanner.take(">=")) {
      condition.op = Op::at_least;
    } else if (scanner.take("<")) {
      condition.op = Op::less;
    } else if (scanner.take(">")) {
      condition.op = Op::greater;
    } else if (scanner.take("contains")) {
      condition.op = Op::contains;
    } else {
      throw scanner.mistake("one of == != < > <= >= contains");
    }
    condition.value = scanner.value();
    conditions_.push_back(std::move(condition));
  } while (scanner.take("and"));
  if (!scanner.at_end()) throw scanner.mistake("'and' or the end");
}

bool RowFilter::matches(const Json& fields) const {
  for (const auto& condition : conditions_) {
    if (!holds(condition, fields)) return false;
  }
  return true;
}

std::vector<std::string> RowFilter::columns() const {
  std::vector<std::string> names;
  for (const auto& condition : conditions_) names.push_back(condition.column);
  return names;
}

bool RowFilter::holds(const Condition& condition, const Json& fields) {
  const Json* field = find_field(fields, condition.column);
  const Json& wanted = condition.value;
  if (condition.op == Op::contains) {
    if (field == nullptr) return false;
    if (field->is_string())
      return wanted.is_string() && field->get_ref<const std::string&>().find(wanted) != std::string::npos;
    if (field->is_array()) return std::find(field->begin(), field->end(), wanted) != field->end();
    return field->is_object() && wanted.is_string() && field->contains(wanted.get<std::string>());
  }
  // -1, 0, 1: the field is below, equal to or above the value. Nothing: they cannot be compared.
  std::optional<int> order;
  const auto compare = [](const auto& a, const auto& b) { return a < b ? -1 : (b < a ? 1 : 0); };
  if (field == nullptr || wanted.is_null()) {
    if (field == nullptr && wanted.is_null()) order = 0;
  } else if (wanted.is_boolean()) {
    if (const auto value = as_bool(*field)) order = compare(*value, wanted.get<bool>());
  } else if (wanted.is_number()) {
    if (field->is_number()) order = compare(field->get<double>(), wanted.get<double>());
    if (field->is_string()) {
      if (const auto value = parse_number(field->get_ref<const std::string&>()))
        order = compare(*value, wanted.get<double>());
    }
  } else if (field->is_string()) {
    order = compare(field->get_ref<const std::string&>(), wanted.get_ref<const std::string&>());
  }
  switch (condition.op) {
    case Op::equal:
      return order == 0;
    case Op::unequal:
      return order != 0;
    case Op::less:
      return order == -1;
    case Op::greater:
      return order == 1;
    case Op::at_most:
      return order && *order <= 0;
    case Op::at_least:
      return order && *order >= 0;
    case Op::contains:
      break;
  }
  return false;
}

}  // namespace lethe
