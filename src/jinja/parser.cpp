// Statements of Jinja templates.
#include <algorithm>
#include <initializer_list>

#include "jinja/expressions.h"

namespace lethe::jinja {
namespace {

constexpr int kDeepestBlocks = 60;  // blocks within blocks

class Parser : private ExpressionParser {
 public:
  explicit Parser(const std::string& source) : ExpressionParser(tokenize(source)) {}

  Body run() {
    Body body = statements({});
    if (peek().kind != Token::end) throw unexpected("the end of the template");
    return body;
  }

 private:
  std::unique_ptr<Statement> statement(Statement::Kind kind, int line) const {
    auto made = std::make_unique<Statement>();
    made->kind = kind;
    made->line = line;
    return made;
  }

  void end_block() {
    if (peek().kind != Token::block_end) throw unexpected("%}");
    next();
  }

  /// Parses up to a block tag whose first word is one of `ends`; that word is the next token.
  Body statements(std::initializer_list<std::string_view> ends) {
    if (++depth_ > kDeepestBlocks) throw syntax_error(peek().line, "blocks nested too deeply");
    Body body;
    while (peek().kind != Token::end) {
      const Token& token = next();
      if (token.kind == Token::data) {
        body.push_back(statement(Statement::data, token.line));
        body.back()->text = token.content;
      } else if (token.kind == Token::print_begin) {
        body.push_back(statement(Statement::print, token.line));
        body.back()->expression = tuple_or_expression();
        if (peek().kind != Token::print_end) throw unexpected("}}");
        next();
      } else {
        const bool ends_here =
            std::any_of(ends.begin(), ends.end(), [&](std::string_view word) { return at_word(word); });
        if (ends_here) break;
        body.push_back(block());
      }
    }
    if (peek().kind == Token::end && ends.size() > 0) throw unexpected("{% " + std::string(*(ends.end() - 1)) + " %}");
    --depth_;
    return body;
  }

  std::unique_ptr<Statement> block() {
    const int line = peek().line;
    const std::string word = expect_name();
    if (word == "if") return condition(line);
    if (word == "for") return loop(line);
    if (word == "set") return assignment(line);
    if (word == "macro") return macro(line);
    if (word == "break" || word == "continue") {
      if (loops_ == 0) throw syntax_error(line, "'" + word + "' outside of a loop");
      end_block();
      return statement(word == "break" ? Statement::stop : Statement::skip, line);
    }
    if (word == "generation") {
      auto made = statement(Statement::generation, line);
      end_block();
      made->body = closed_body("endgeneration");
      return made;
    }
    static const std::initializer_list<const char*> known = {"include", "import", "from",       "extends",
                                                             "block",   "call",   "filter",     "with",
                                                             "do",      "debug",  "autoescape", "trans"};
    const bool is_jinja = std::find(known.begin(), known.end(), word) != known.end();
    throw syntax_error(line, "{% " + excerpt(word) + " %}" + (is_jinja ? ", which is not supported" : ""));
  }

  /// A body that is a separate function in Jinja: break cannot leave the loops around it.
  Body closed_body(std::string_view end) {
    const int loops = loops_;
    loops_ = 0;
    Body body = statements({end});
    next();
    end_block();
    loops_ = loops;
    return body;
  }

  std::unique_ptr<Statement> condition(int line) {
    auto made = statement(Statement::condition, line);
    while (true) {
      ExpressionPtr test = tuple_or_expression();
      end_block();
      made->branches.emplace_back(std::move(test), statements({"elif", "else", "endif"}));
      if (skip_word("elif")) continue;
      if (skip_word("else")) {
        end_block();
        made->otherwise = statements({"endif"});
      }
      next();
      end_block();
      return made;
    }
  }

  std::vector<std::string> targets(Statement& made) {
    std::vector<std::string> names;
    const bool bracket = skip_symbol("(");
    do {
      if (!names.empty() && !(peek().kind == Token::name && !at_word("in"))) break;
      if (at_symbol("(")) throw syntax_error(peek().line, "targets within targets, which are not supported");
      names.push_back(expect_name());
      if (at_symbol(",")) made.unpacks = true;
    } while (skip_symbol(","));
    if (bracket) expect_symbol(")");
    return names;
  }

  std::unique_ptr<Statement> loop(int line) {
    auto made = statement(Statement::loop, line);
    made->targets = targets(*made);
    if (!skip_word("in")) throw unexpected("'in'");
    made->expression = tuple_or_expression(false);
    if (skip_word("if")) made->filter = expression();
    if (at_word("recursive")) throw syntax_error(line, "a recursive loop, which is not supported");
    end_block();
    ++loops_;
    made->body = statements({"else", "endfor"});
    --loops_;
    if (skip_word("else")) {
      end_block();
      made->otherwise = statements({"endfor"});
    }
    next();
    end_block();
    return made;
  }

  std::unique_ptr<Statement> assignment(int line) {
    auto made = statement(Statement::assign, line);
    made->targets = targets(*made);
    if (skip_symbol(".")) made->attribute = expect_name();
    if (skip_symbol("=")) {
      made->expression = tuple_or_expression();
      end_block();
      return made;
    }
    made->kind = Statement::capture;
    if (made->unpacks) throw unexpected("'='");
    if (at_symbol("|")) {
      made->expression = make(Expression::variable, line, "");
      while (at_symbol("|")) made->expression = one_filter(std::move(made->expression));
    }
    end_block();
    made->body = closed_body("endset");
    return made;
  }

  std::unique_ptr<Statement> macro(int line) {
    auto made = statement(Statement::macro, line);
    made->text = expect_name();
    expect_symbol("(");
    for (bool first = true; !skip_symbol(")"); first = false) {
      if (!first) expect_symbol(",");
      made->targets.push_back(expect_name());
      if (skip_symbol("=")) {
        made->defaults.push_back(expression());
      } else if (!made->defaults.empty()) {
        throw unexpected("a default after defaults");
      }
    }
    end_block();
    made->body = closed_body("endmacro");
    return made;
  }

  int depth_ = 0, loops_ = 0;
};

}  // namespace

Body parse(const std::string& source) {
  return Parser(source).run();
}

}  // namespace lethe::jinja
