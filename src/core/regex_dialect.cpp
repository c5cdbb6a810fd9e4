#include "core/regex_dialect.h"

#include <vector>

#include "core/error.h"
#include "core/join.h"

namespace lethe {
namespace {

// PCRE2's \s includes U+180E, which is no longer white space in Unicode.
const char* const kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
// PCRE2's \w (before 10.43) excludes combining marks, which are word characters in Unicode (UTS 18, annex C).
const char* const kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Oniguruma's \w also includes Latin-1's ² ³ ¹ ¼ ½ ¾, but not within a class.
const char* const kWordAlone = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
const char* const kHexadecimal = "0-9a-fA-F";

// The members of a class escape such as \s within brackets; nullptr for the others.
const char* members_of(char escape) {
  if (escape == 's' || escape == 'S') return kSpaces;
  if (escape == 'w' || escape == 'W') return kWord;
  return escape == 'h' || escape == 'H' ? kHexadecimal : nullptr;
}

class Translation {
 public:
  explicit Translation(std::string_view pattern) : pattern_(pattern) {}

  std::string whole() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
      } else if (c == '[') {
        ++at_;
        result_ += character_class();
      } else if (ahead("(?#")) {
        copy_through(")");
      } else if (ahead("(?")) {
        group();
      } else if (ahead("{,")) {
        result_ += "{0,";
        at_ += 2;
      } else {
        result_ += c;
        ++at_;
      }
    }
    return std::move(result_);
  }

 private:
  bool ahead(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }

  [[noreturn]] void refuse(const char* what) const {
    throw bad_input("cannot use a regular expression").with("pattern", excerpt(pattern_)).found(what);
  }

  void copy_through(std::string_view end) {
    const std::size_t found = pattern_.find(end, at_);
    const std::size_t behind = found == std::string_view::npos ? pattern_.size() : found + end.size();
    result_ += pattern_.substr(at_, behind - at_);
    at_ = behind;
  }

  // \uHHHH; "" without four digits.
  std::string code_point() {
    const std::string_view digits = pattern_.substr(at_, 4);
    if (digits.size() < 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return "";
    at_ += 4;
    return "\\x{" + std::string(digits) + "}";
  }

  void escape() {
    if (++at_ == pattern_.size()) refuse("a backslash at the end");
    const char c = pattern_[at_++];
    const std::string word = kWordAlone;
    if (const char* const members = c == 'w' || c == 'W' ? kWordAlone : members_of(c)) {
      result_ += (c >= 'a' ? "[" : "[^") + std::string(members) + "]";
    } else if (c == 'b') {
      result_ += "(?:(?<=[" + word + "])(?![" + word + "])|(?<![" + word + "])(?=[" + word + "]))";
    } else if (c == 'B') {
      result_ += "(?:(?<=[" + word + "])(?=[" + word + "])|(?<![" + word + "])(?![" + word + "]))";
    } else if (c == 'u') {
      result_ += code_point();
    } else {
      result_ += '\\';
      result_ += c;
    }
  }

  // "(?imx-imx:" or "(?imx)"; other groups are the same in both dialects.
  void group() {
    const std::size_t end = pattern_.find_first_not_of("imx-", at_ + 2);
    const bool options =
        end != std::string_view::npos && end > at_ + 2 && (pattern_[end] == ':' || pattern_[end] == ')');
    if (!options) {
      result_ += "(?";
      at_ += 2;
      return;
    }
    if (pattern_[end] == ')' && !result_.empty() && result_.back() != '(' && result_.back() != '|') {
      refuse("options set in the middle of an alternative");
    }
    for (const char c : pattern_.substr(at_, end - at_)) result_ += c == 'm' ? 's' : c;
    at_ = end;
  }

  // One side of an intersection: members of one class, and separate matchers for what a class cannot hold.
  struct Operand {
    std::string members;
    std::vector<std::string> others;

    std::string inside() const {
      std::vector<std::string> choices = others;
      if (!members.empty()) choices.insert(choices.begin(), "[" + members + "]");
      return choices.empty() ? "(?!)" : join(choices, "|");
    }
    bool simple() const { return others.empty() && !members.empty(); }
    std::string matcher() const { return simple() ? inside() : "(?:" + inside() + ")"; }
  };

  // After "[": translates a class to a matcher of one character.
  std::string character_class() {
    const bool negated = ahead("^");
    if (negated) ++at_;
    std::vector<Operand> operands(1);
    bool first = true;
    for (;; first = false) {
      if (at_ >= pattern_.size()) refuse("a class without its ]");
      const char c = pattern_[at_];
      Operand& operand = operands.back();
      if (c == ']' && !first) break;
      if (ahead("&&")) {
        operands.emplace_back();
        at_ += 2;
      } else if (ahead("[:")) {
        const std::size_t end = pattern_.find(":]", at_);
        if (end == std::string_view::npos) refuse("a class without its ]");
        posix_class(operand, pattern_.substr(at_ + 2, end - at_ - 2));
        at_ = end + 2;
      } else if (c == '[') {
        ++at_;
        operand.others.push_back(character_class());
      } else if (c == '\\') {
        escape_in_class(operand);
      } else {
        if (c == ']') operand.members += '\\';
        operand.members += c;
        ++at_;
      }
    }
    ++at_;
    if (operands.size() == 1) {
      if (!negated) return operands[0].matcher();
      if (operands[0].simple()) return "[^" + operands[0].members + "]";
      return "(?:(?!" + operands[0].inside() + ")(?s:.))";
    }
    std::string all;
    for (std::size_t i = 0; i + 1 < operands.size(); ++i) all += "(?=" + operands[i].inside() + ")";
    all += operands.back().matcher();
    return negated ? "(?:(?!" + all + ")(?s:.))" : "(?:" + all + ")";
  }

  // [:name:] or [:^name:]; punctuation includes the symbols.
  static void posix_class(Operand& operand, std::string_view name) {
    const bool negated = name.starts_with('^');
    const std::string_view plain = name.substr(negated ? 1 : 0);
    std::string members = "[:" + std::string(plain) + ":]";
    if (plain == "punct") members = R"(\p{P}\p{S})";
    if (plain == "alpha") members = R"(\p{Alphabetic})";
    if (plain == "alnum") members = R"(\p{Alphabetic}\p{Nd})";
    if (plain == "upper") members = R"(\p{Uppercase})";
    if (plain == "lower") members = R"(\p{Lowercase})";
    if (plain == "space") members = kSpaces;
    if (plain == "word") members = kWord;
    if (negated) {
      operand.others.push_back("[^" + members + "]");
    } else {
      operand.members += members;
    }
  }

  void escape_in_class(Operand& operand) {
    if (++at_ == pattern_.size()) refuse("a backslash at the end");
    const char c = pattern_[at_++];
    const char* const members = members_of(c);
    if (members != nullptr && c >= 'a') {
      operand.members += members;
    } else if (members != nullptr) {
      operand.others.push_back("[^" + std::string(members) + "]");
    } else if (c == 'u') {
      operand.members += code_point();
    } else {
      operand.members += '\\';
      operand.members += c;
    }
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string result_;
};

}  // namespace

std::string pcre2_of_oniguruma(std::string_view pattern) {
  return Translation(pattern).whole();
}

}  // namespace lethe
