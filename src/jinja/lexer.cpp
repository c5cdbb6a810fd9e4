#include "jinja/lexer.h"

#include <algorithm>
#include <array>

#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

constexpr std::size_t kLongest = 1 << 20;  // bytes of a template; the longest published ones have 20 kB

bool is_name_begin(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Line ends become \n; drops a single one at the end of the template.
std::string normalised(const std::string& source) {
  std::string text;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') continue;
      text += '\n';
    } else {
      text += source[i];
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

void append_codepoint(std::string& text, unsigned long codepoint) {
  if (codepoint < 0x80) {
    text += static_cast<char>(codepoint);
  } else if (codepoint < 0x800) {
    text += static_cast<char>(0xC0 | (codepoint >> 6));
    text += static_cast<char>(0x80 | (codepoint & 0x3F));
  } else if (codepoint < 0x10000) {
    text += static_cast<char>(0xE0 | (codepoint >> 12));
    text += static_cast<char>(0x80 | ((codepoint >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (codepoint & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (codepoint >> 18));
    text += static_cast<char>(0x80 | ((codepoint >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((codepoint >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (codepoint & 0x3F));
  }
}

class Lexer {
 public:
  explicit Lexer(const std::string& source) : source_(normalised(source)) {
    if (source_.size() > kLongest) throw syntax_error(1, "a template of more than " + with_commas(kLongest) + " bytes");
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const std::size_t tag = next_tag();
      if (tag == std::string::npos) {
        add_data(source_.substr(at_), false);
        at_ = source_.size();
        break;
      }
      take_data(tag);
      const char kind = source_[tag + 1];
      if (kind == '#') {
        take_comment();
      } else if (kind == '{') {
        take_expression(Token::print_begin, Token::print_end, "}}");
      } else if (!take_raw()) {
        take_expression(Token::block_begin, Token::block_end, "%}");
      }
    }
    tokens_.push_back({Token::end, "", line_});
    return std::move(tokens_);
  }

 private:
  std::size_t next_tag() const {
    for (std::size_t at = at_; (at = source_.find('{', at)) != std::string::npos; ++at) {
      if (at + 1 < source_.size() && (source_[at + 1] == '{' || source_[at + 1] == '%' || source_[at + 1] == '#'))
        return at;
    }
    return std::string::npos;
  }

  void add_data(const std::string& text, bool strip) {
    const std::string kept = strip ? stripped(MarkedText(text), nullptr, false, true).text() : text;
    if (!kept.empty()) tokens_.push_back({Token::data, kept, line_});
    line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }

  // The text before a tag, with white space as set by the tag's sign and lstrip_blocks.
  void take_data(std::size_t tag) {
    std::string text = source_.substr(at_, tag - at_);
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    const bool is_print = source_[tag + 1] == '{';
    if (sign == '-') {
      add_data(text, true);
    } else {
      if (sign != '+' && !is_print) strip_line_begin(text);
      add_data(text, false);
    }
    at_ = tag + 2;
    if (sign == '-' || sign == '+') ++at_;
  }

  void strip_line_begin(std::string& text) const {
    const std::size_t newline = text.rfind('\n');
    if (newline == std::string::npos && !line_begins_) return;
    const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
    if (std::all_of(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), is_blank)) text.resize(begin);
  }

  // After a tag, "-" removes all white space; otherwise trim_blocks removes one newline.
  void close_tag(char sign, bool trims) {
    const std::size_t begin = at_;
    if (sign == '-') {
      while (at_ < source_.size() && is_blank(source_[at_])) ++at_;
    } else if (sign != '+' && trims && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(begin),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    line_begins_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  void take_comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string::npos) throw syntax_error(line_, "a comment that is not closed");
    const char sign = close > at_ ? source_[close - 1] : ' ';
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(close), '\n'));
    at_ = close + 2;
    close_tag(sign, true);
  }

  std::size_t skip_blanks(std::size_t at) const {
    while (at < source_.size() && is_blank(source_[at])) ++at;
    return at;
  }

  // {% raw %} … {% endraw %}
  bool take_raw() {
    std::size_t at = skip_blanks(at_);
    if (source_.compare(at, 3, "raw") != 0) return false;
    at = skip_blanks(at + 3);
    const bool dash = at < source_.size() && source_[at] == '-';
    if (dash) ++at;
    if (source_.compare(at, 2, "%}") != 0) return false;
    at_ = at + 2;
    close_tag(dash ? '-' : ' ', false);
    for (std::size_t close = at_; (close = source_.find("{%", close)) != std::string::npos; ++close) {
      std::size_t word = close + 2;
      const char sign = word < source_.size() ? source_[word] : ' ';
      if (sign == '-' || sign == '+') ++word;
      word = skip_blanks(word);
      if (source_.compare(word, 6, "endraw") != 0) continue;
      std::size_t end = skip_blanks(word + 6);
      const char last = end < source_.size() ? source_[end] : ' ';
      if (last == '-' || last == '+') ++end;
      if (source_.compare(end, 2, "%}") != 0) continue;
      std::string text = source_.substr(at_, close - at_);
      if (sign != '-' && sign != '+') strip_line_begin(text);
      add_data(text, sign == '-');
      at_ = end + 2;
      close_tag(last, true);
      return true;
    }
    throw syntax_error(line_, "a raw block that is not closed");
  }

  void take_expression(Token::Kind begin, Token::Kind end, const std::string& closing) {
    const int opened = line_;
    tokens_.push_back({begin, "", line_});
    std::string brackets;
    while (true) {
      while (at_ < source_.size() && is_blank(source_[at_])) line_ += source_[at_++] == '\n';
      if (at_ >= source_.size()) throw syntax_error(opened, "a tag that is not closed");
      if (brackets.empty()) {
        const char sign = source_[at_];
        const bool signed_end =
            (sign == '-' || (sign == '+' && end == Token::block_end)) && source_.compare(at_ + 1, 2, closing) == 0;
        if (signed_end || source_.compare(at_, 2, closing) == 0) {
          tokens_.push_back({end, "", line_});
          at_ += signed_end ? 3 : 2;
          close_tag(signed_end ? sign : ' ', end == Token::block_end);
          return;
        }
      }
      take_token(brackets);
    }
  }

  void take_token(std::string& brackets) {
    const char c = source_[at_];
    if (is_name_begin(c)) {
      const std::size_t begin = at_;
      while (at_ < source_.size() && (is_name_begin(source_[at_]) || is_digit(source_[at_]))) ++at_;
      tokens_.push_back({Token::name, source_.substr(begin, at_ - begin), line_});
    } else if (is_digit(c)) {
      take_number();
    } else if (c == '"' || c == '\'') {
      take_text(c);
    } else {
      take_symbol(brackets);
    }
  }

  void take_number() {
    const std::size_t begin = at_;
    const auto digits = [&] {
      while (at_ < source_.size() && is_digit(source_[at_])) ++at_;
    };
    const auto digit_at = [&](std::size_t at) { return at < source_.size() && is_digit(source_[at]); };
    digits();
    bool real = false;
    if (at_ < source_.size() && source_[at_] == '.' && digit_at(at_ + 1)) {
      real = true;
      ++at_;
      digits();
    }
    if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      const std::size_t sign = at_ + 1 < source_.size() && (source_[at_ + 1] == '-' || source_[at_ + 1] == '+') ? 1 : 0;
      if (digit_at(at_ + 1 + sign)) {
        real = true;
        at_ += 1 + sign;
        digits();
      }
    }
    if (at_ < source_.size() && (is_name_begin(source_[at_])))
      throw syntax_error(line_,
                         "a number " + excerpt(source_.substr(begin, at_ + 1 - begin)) + "…, which is not supported");
    tokens_.push_back({real ? Token::real : Token::integer, source_.substr(begin, at_ - begin), line_});
  }

  void take_text(char quote) {
    const int line = line_;
    std::string text;
    for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
      if (source_[at_] == '\n') ++line_;
      if (source_[at_] != '\\') {
        text += source_[at_];
        continue;
      }
      if (++at_ >= source_.size()) break;
      take_escape(text);
    }
    if (at_ >= source_.size()) throw syntax_error(line, "a text that is not closed");
    ++at_;
    tokens_.push_back({Token::text, text, line});
  }

  // Like Python's "unicode-escape". at_ is the character after the backslash, and is moved to the last one used.
  void take_escape(std::string& text) {
    static const std::string names = "\\'\"abfnrtv", meanings = "\\'\"\a\b\f\n\r\t\v";
    const char c = source_[at_];
    if (const std::size_t which = names.find(c); which != std::string::npos) {
      text += meanings[which];
    } else if (c == '\n') {
      ++line_;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      const std::string digits = source_.substr(at_ + 1, length);
      const bool hex =
          digits.size() == length && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
      const unsigned long codepoint = hex ? std::stoul(digits, nullptr, 16) : 0;
      if (!hex || codepoint > 0x10FFFF || (codepoint >= 0xD800 && codepoint < 0xE000))
        throw syntax_error(line_, "an escape that is no character: \\" + excerpt(source_.substr(at_, length + 1)));
      append_codepoint(text, codepoint);
      at_ += length;
    } else if (c >= '0' && c <= '7') {
      unsigned long codepoint = 0;
      std::size_t used = 0;
      for (; used < 3 && at_ + used < source_.size() && source_[at_ + used] >= '0' && source_[at_ + used] <= '7';
           ++used)
        codepoint = codepoint * 8 + static_cast<unsigned long>(source_[at_ + used] - '0');
      append_codepoint(text, codepoint);
      at_ += used - 1;
    } else if (c == 'N') {
      throw syntax_error(line_, "\\N{…} in a text, which is not supported");
    } else {
      text += '\\';
      text += c;
    }
  }

  void take_symbol(std::string& brackets) {
    static const std::array<std::string, 26> symbols = {"**", "//", "==", "!=", "<=", ">=", "+", "-", "*",
                                                        "/",  "%",  "~",  "<",  ">",  "=",  "(", ")", "[",
                                                        "]",  "{",  "}",  ".",  ":",  ",",  "|", ";"};
    for (const std::string& symbol : symbols) {
      if (source_.compare(at_, symbol.size(), symbol) != 0) continue;
      if (symbol == "(" || symbol == "[" || symbol == "{") brackets += symbol == "(" ? ')' : symbol == "[" ? ']' : '}';
      if (symbol == ")" || symbol == "]" || symbol == "}") {
        if (brackets.empty() || brackets.back() != symbol[0])
          throw syntax_error(line_, "an unexpected '" + symbol + "'");
        brackets.pop_back();
      }
      tokens_.push_back({Token::symbol, symbol, line_});
      at_ += symbol.size();
      return;
    }
    throw syntax_error(line_, "the character '" + excerpt(source_.substr(at_, 1)) + "' in an expression");
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_begins_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(const std::string& source) {
  return Lexer(source).run();
}

Error syntax_error(int line, const std::string& found) {
  return bad_input("cannot use the chat template").with("line", std::to_string(line)).found(found);
}

}  // namespace lethe::jinja
