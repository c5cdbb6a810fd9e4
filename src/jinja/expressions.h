// The parser of Jinja's expressions; jinja_parser.cpp parses statements.
#pragma once

#include <string>
#include <vector>

#include "jinja/lexer.h"
#include "jinja/syntax.h"

namespace lethe::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

 protected:
  /// @param with_choice  whether "a if b else c" is allowed
  ExpressionPtr expression(bool with_choice = true);
  /// An expression, or several separated by commas: a tuple.
  ExpressionPtr tuple_or_expression(bool with_choice = true);
  ExpressionPtr disjunction();
  /// | filter … after an expression.
  ExpressionPtr filters_and_tests(ExpressionPtr node);
  ExpressionPtr one_filter(ExpressionPtr node);

  const Token& peek() const { return tokens_[at_]; }
  const Token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool at_symbol(std::string_view symbol) const { return peek().is(Token::symbol, symbol); }
  bool at_word(std::string_view word) const { return peek().is(Token::name, word); }
  bool skip_symbol(std::string_view symbol);
  bool skip_word(std::string_view word);
  void expect_symbol(std::string_view symbol);
  std::string expect_name();
  Error unexpected(const std::string& wanted) const;
  ExpressionPtr make(Expression::Kind kind, int line, std::string name = "") const;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;

 private:
  ExpressionPtr conjunction();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters = true);
  ExpressionPtr primary();
  ExpressionPtr postfix(ExpressionPtr node);
  ExpressionPtr subscript(ExpressionPtr node);
  ExpressionPtr test(ExpressionPtr node);
  ExpressionPtr list_display();
  ExpressionPtr dict_display();
  void arguments(Expression& node);
  /// A chain of operators of equal precedence, each with its token's name.
  template <class Operand>
  ExpressionPtr left_to_right(Token::Kind kind, std::initializer_list<std::string_view> operators,
                              const Operand& operand);
  ExpressionPtr binary(ExpressionPtr left, const std::string& name, ExpressionPtr right, int line) const;
  static void add(Expression& node, ExpressionPtr child);

  int depth_ = 0;
};

}  // namespace lethe::jinja
