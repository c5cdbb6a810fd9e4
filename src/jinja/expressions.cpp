#include "jinja/expressions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace lethe::jinja {
namespace {

constexpr int kDeepestExpression = 100;  // brackets within brackets
constexpr int kTallestTree = 300;        // of operators: a + b + c + … is also a tree

struct Deeper {
  explicit Deeper(int& depth, int line) : depth_(depth) {
    if (++depth_ > kDeepestExpression) throw syntax_error(line, "an expression nested too deeply");
  }
  ~Deeper() { --depth_; }
  int& depth_;
};

}  // namespace

Error ExpressionParser::unexpected(const std::string& wanted) const {
  const Token& token = peek();
  static const std::array<const char*, 11> names = {
      "text outside of tags", "{{", "}}", "{%", "%}", "", "", "", "", "", "the end of the template"};
  const std::string spelling = token.content.empty() || token.kind == Token::data ? names[token.kind] : token.content;
  return syntax_error(token.line, "'" + excerpt(spelling, 40) + "'").wanted(wanted);
}

bool ExpressionParser::skip_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  next();
  return true;
}
bool ExpressionParser::skip_word(std::string_view word) {
  if (!at_word(word)) return false;
  next();
  return true;
}
void ExpressionParser::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) throw unexpected("'" + std::string(symbol) + "'");
}
std::string ExpressionParser::expect_name() {
  if (peek().kind != Token::name) throw unexpected("a name");
  return next().content;
}

ExpressionPtr ExpressionParser::make(Expression::Kind kind, int line, std::string name) const {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->line = line;
  node->name = std::move(name);
  return node;
}

void ExpressionParser::add(Expression& node, ExpressionPtr child) {
  if (child != nullptr) {
    node.depth = std::max(node.depth, child->depth + 1);
    if (node.depth > kTallestTree) throw syntax_error(node.line, "an expression of too many parts");
  }
  node.children.push_back(std::move(child));
}

ExpressionPtr ExpressionParser::binary(ExpressionPtr left, const std::string& name, ExpressionPtr right,
                                       int line) const {
  auto node = make(Expression::binary, line, name);
  add(*node, std::move(left));
  add(*node, std::move(right));
  return node;
}

ExpressionPtr ExpressionParser::tuple_or_expression(bool with_choice) {
  const int line = peek().line;
  ExpressionPtr first = expression(with_choice);
  if (!at_symbol(",")) return first;
  auto tuple = make(Expression::tuple, line);
  add(*tuple, std::move(first));
  while (skip_symbol(",")) {
    if (peek().kind == Token::block_end || peek().kind == Token::print_end || at_symbol(")") || at_symbol("=")) break;
    add(*tuple, expression(with_choice));
  }
  return tuple;
}

ExpressionPtr ExpressionParser::expression(bool with_choice) {
  const Deeper deeper(depth_, peek().line);
  ExpressionPtr node = disjunction();
  while (with_choice && at_word("if")) {
    const int line = next().line;
    auto choice = make(Expression::choice, line);
    add(*choice, std::move(node));
    add(*choice, disjunction());
    add(*choice, skip_word("else") ? expression() : nullptr);
    node = std::move(choice);
  }
  return node;
}

template <class Operand>
ExpressionPtr ExpressionParser::left_to_right(Token::Kind kind, std::initializer_list<std::string_view> operators,
                                              const Operand& operand) {
  ExpressionPtr node = operand();
  const auto at_operator = [&] {
    return std::any_of(operators.begin(), operators.end(),
                       [&](std::string_view name) { return peek().is(kind, name); });
  };
  while (at_operator()) {
    const Token& sign = next();
    node = binary(std::move(node), sign.content, operand(), sign.line);
  }
  return node;
}

ExpressionPtr ExpressionParser::disjunction() {
  return left_to_right(Token::name, {"or"}, [this] { return conjunction(); });
}

ExpressionPtr ExpressionParser::conjunction() {
  return left_to_right(Token::name, {"and"}, [this] { return negation(); });
}

ExpressionPtr ExpressionParser::negation() {
  if (!at_word("not")) return comparison();
  const Deeper deeper(depth_, peek().line);
  auto node = make(Expression::unary, next().line, "not");
  add(*node, negation());
  return node;
}

ExpressionPtr ExpressionParser::comparison() {
  const int line = peek().line;
  ExpressionPtr first = sum();
  ExpressionPtr node;
  while (true) {
    std::string name;
    for (const char* symbol : {"==", "!=", "<", ">", "<=", ">="}) {
      if (at_symbol(symbol)) name = symbol;
    }
    if (!name.empty()) {
      next();
    } else if (skip_word("in")) {
      name = "in";
    } else if (at_word("not") && tokens_[at_ + 1].is(Token::name, "in")) {
      next();
      next();
      name = "not in";
    } else {
      return node != nullptr ? std::move(node) : std::move(first);
    }
    if (node == nullptr) {
      node = make(Expression::compare, line);
      add(*node, std::move(first));
    }
    node->operators.push_back(name);
    add(*node, sum());
  }
}

ExpressionPtr ExpressionParser::sum() {
  return left_to_right(Token::symbol, {"+", "-"}, [this] { return concatenation(); });
}

ExpressionPtr ExpressionParser::concatenation() {
  return left_to_right(Token::symbol, {"~"}, [this] { return product(); });
}

ExpressionPtr ExpressionParser::product() {
  return left_to_right(Token::symbol, {"*", "/", "//", "%"}, [this] { return power(); });
}

// Left to right, as in Jinja.
ExpressionPtr ExpressionParser::power() {
  return left_to_right(Token::symbol, {"**"}, [this] { return unary(); });
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  const Deeper deeper(depth_, peek().line);
  ExpressionPtr node;
  if (at_symbol("-") || at_symbol("+")) {
    const Token& sign = next();
    node = make(Expression::unary, sign.line, sign.content);
    add(*node, unary(false));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filters ? filters_and_tests(std::move(node)) : std::move(node);
}

ExpressionPtr ExpressionParser::primary() {
  const Token& token = peek();
  const auto literal = [&](Value value) {
    auto node = make(Expression::literal, token.line);
    node->value = std::move(value);
    return node;
  };
  switch (token.kind) {
    case Token::name: {
      next();
      const std::string& name = token.content;
      if (name == "true" || name == "True") return literal(Value(true));
      if (name == "false" || name == "False") return literal(Value(false));
      if (name == "none" || name == "None") return literal(Value::none());
      return make(Expression::variable, token.line, name);
    }
    case Token::text: {
      std::string text = next().content;
      while (peek().kind == Token::text) text += next().content;
      return literal(Value::text(text));
    }
    case Token::integer: {
      std::int64_t number = 0;
      const std::string& digits = next().content;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc())
        throw syntax_error(token.line, "a number beyond 64 bits");
      return literal(Value::integer(number));
    }
    case Token::real: {
      double number = 0;
      const std::string& digits = next().content;
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
      return literal(Value(number));
    }
    default:
      break;
  }
  if (skip_symbol("(")) {
    if (skip_symbol(")")) return make(Expression::tuple, token.line);
    ExpressionPtr node = tuple_or_expression();
    expect_symbol(")");
    return node;
  }
  if (at_symbol("[")) return list_display();
  if (at_symbol("{")) return dict_display();
  throw unexpected("an expression");
}

ExpressionPtr ExpressionParser::list_display() {
  auto node = make(Expression::list, next().line);
  while (!skip_symbol("]")) {
    if (!node->children.empty()) {
      expect_symbol(",");
      if (skip_symbol("]")) break;
    }
    add(*node, expression());
  }
  return node;
}

ExpressionPtr ExpressionParser::dict_display() {
  auto node = make(Expression::dict, next().line);
  while (!skip_symbol("}")) {
    if (!node->children.empty()) {
      expect_symbol(",");
      if (skip_symbol("}")) break;
    }
    add(*node, expression());
    expect_symbol(":");
    add(*node, expression());
  }
  return node;
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr node) {
  while (true) {
    if (at_symbol(".") || at_symbol("[")) {
      node = subscript(std::move(node));
    } else if (at_symbol("(")) {
      auto call = make(Expression::call, peek().line);
      add(*call, std::move(node));
      arguments(*call);
      node = std::move(call);
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr node) {
  const int line = peek().line;
  if (skip_symbol(".")) {
    if (peek().kind == Token::name) {
      auto attribute = make(Expression::attribute, line, next().content);
      add(*attribute, std::move(node));
      return attribute;
    }
    if (peek().kind != Token::integer) throw unexpected("a name or a number after '.'");
    auto item = make(Expression::item, line);
    add(*item, std::move(node));
    add(*item, primary());
    return item;
  }
  expect_symbol("[");
  std::array<ExpressionPtr, 3> parts;
  std::size_t part = 0;
  for (; part < 3; ++part) {
    if (!at_symbol(":") && !at_symbol("]") && !at_symbol(",")) parts[part] = expression();
    if (!at_symbol(":")) break;
    next();
  }
  const bool is_slice = part > 0;
  if (at_symbol(",")) throw syntax_error(line, "an index of several parts, which is not supported");
  expect_symbol("]");
  if (!is_slice && parts[0] == nullptr) throw syntax_error(line, "an empty index");
  auto item = make(is_slice ? Expression::slice : Expression::item, line);
  add(*item, std::move(node));
  add(*item, std::move(parts[0]));
  if (is_slice) {
    add(*item, std::move(parts[1]));
    add(*item, std::move(parts[2]));
  }
  return item;
}

void ExpressionParser::arguments(Expression& node) {
  expect_symbol("(");
  for (bool first = true; !skip_symbol(")"); first = false) {
    if (!first) {
      expect_symbol(",");
      if (skip_symbol(")")) return;
    }
    if (at_symbol("*") || at_symbol("**"))
      throw syntax_error(peek().line, "arguments with '*' or '**', which are not supported");
    if (peek().kind == Token::name && tokens_[at_ + 1].is(Token::symbol, "=")) {
      std::string name = next().content;
      next();
      ExpressionPtr value = expression();
      node.depth = std::max(node.depth, value->depth + 1);
      node.named.emplace_back(std::move(name), std::move(value));
    } else {
      if (!node.named.empty()) throw unexpected("name=value after name=value");
      add(node, expression());
    }
  }
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr node) {
  while (true) {
    if (at_symbol("|")) {
      node = one_filter(std::move(node));
    } else if (at_word("is")) {
      node = test(std::move(node));
    } else if (at_symbol("(")) {
      auto call = make(Expression::call, peek().line);
      add(*call, std::move(node));
      arguments(*call);
      node = std::move(call);
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::one_filter(ExpressionPtr node) {
  const int line = next().line;
  auto filter = make(Expression::filter, line, expect_name());
  if (at_symbol(".")) throw unexpected("the name of a filter");
  add(*filter, std::move(node));
  if (at_symbol("(")) arguments(*filter);
  return filter;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr node) {
  const int line = next().line;
  const bool negated = skip_word("not");
  auto test = make(Expression::test, line, expect_name());
  add(*test, std::move(node));
  const Token& token = peek();
  const bool starts_value = token.kind == Token::name || token.kind == Token::text || token.kind == Token::integer ||
                            token.kind == Token::real || at_symbol("[") || at_symbol("{");
  if (at_symbol("(")) {
    arguments(*test);
  } else if (starts_value && !at_word("else") && !at_word("or") && !at_word("and")) {
    if (at_word("is")) throw unexpected("no test of a test");
    add(*test, postfix(primary()));
  }
  if (!negated) return test;
  auto opposite = make(Expression::unary, line, "not");
  add(*opposite, std::move(test));
  return opposite;
}

}  // namespace lethe::jinja
