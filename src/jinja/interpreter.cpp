#include "jinja/interpreter.h"

#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/python_text.h"

namespace lethe::jinja {

struct Interpreter::Deeper {
  explicit Deeper(Interpreter& interpreter) : interpreter_(interpreter) {
    if (++interpreter_.depth_ > interpreter_.limits_.depth) {
      --interpreter_.depth_;
      throw template_error("macros, blocks or expressions nested more than " +
                           std::to_string(interpreter_.limits_.depth) + " deep");
    }
  }
  ~Deeper() { --interpreter_.depth_; }
  Interpreter& interpreter_;
};

/// `loop` within {% for %}.
class Interpreter::Loop : public Object {
 public:
  explicit Loop(std::vector<Value> given) : items(std::move(given)) {}
  Value attribute(Interpreter&, const std::string& name) override {
    const auto count = static_cast<std::int64_t>(items.size()), at = static_cast<std::int64_t>(index);
    const auto item = [&](std::int64_t place) {
      return place >= 0 && place < count ? items[static_cast<std::size_t>(place)] : Value::undefined("loop." + name);
    };
    if (name == "index") return Value::integer(at + 1);
    if (name == "index0") return Value::integer(at);
    if (name == "revindex") return Value::integer(count - at);
    if (name == "revindex0") return Value::integer(count - at - 1);
    if (name == "first") return Value(at == 0);
    if (name == "last") return Value(at + 1 == count);
    if (name == "length") return Value::integer(count);
    if (name == "previtem") return item(at - 1);
    if (name == "nextitem") return item(at + 1);
    if (name == "depth") return Value::integer(1);
    if (name == "depth0") return Value::integer(0);
    if (name == "cycle") {
      return Value::function("loop.cycle", [at](Interpreter&, const Arguments& arguments) {
        if (arguments.positional.empty()) throw template_error("loop.cycle without values");
        return arguments.positional[static_cast<std::size_t>(at) % arguments.positional.size()];
      });
    }
    if (name == "changed") throw template_error("loop.changed, which is not supported");
    return Value::undefined("loop." + name);
  }
  const std::vector<Value> items;
  std::size_t index = 0;
};

MarkedText Interpreter::run(const Body& body, const std::vector<std::pair<std::string, Value>>& variables) {
  scope_ = std::make_shared<Scope>();
  for (const auto& [name, value] : variables) scope_->variables[name] = value;
  MarkedText out;
  out_ = &out;
  try {
    execute(body);
  } catch (Error& error) {
    error.with("line", std::to_string(line_) + " of the template");
    throw;
  }
  return out;
}

void Interpreter::spend(std::uint64_t steps, std::uint64_t bytes) {
  steps_ += steps;
  bytes_ += bytes;
  if (steps_ > limits_.steps) throw template_error("more than " + with_commas(limits_.steps) + " steps");
  if (bytes_ > limits_.bytes) throw template_error("more than " + with_commas(limits_.bytes) + " bytes of text");
}

Value Interpreter::counted(Value value) {
  if (const MarkedText* text = value.as_text()) spend(0, text->size());
  if (const List* list = value.as_list()) spend(list->items.size());
  return value;
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  const Deeper deeper(*this);
  for (const auto& statement : body) {
    const Flow flow = execute(*statement);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::execute(const Statement& statement) {
  spend(1);
  line_ = statement.line;
  const auto print = [&](const MarkedText& text) {
    spend(0, text.size());
    out_->append(text);
  };
  switch (statement.kind) {
    case Statement::data:
      print(MarkedText(statement.text));
      return Flow::on;
    case Statement::print: {
      const Value value = evaluate(*statement.expression);
      spend_on(value);
      print(value.print());
      return Flow::on;
    }
    case Statement::condition:
      for (const auto& [test, body] : statement.branches) {
        if (evaluate(*test).truth()) return execute(body);
      }
      return execute(statement.otherwise);
    case Statement::loop:
      return loop(statement);
    case Statement::assign:
      assign(statement);
      return Flow::on;
    case Statement::capture: {
      auto scope = std::make_shared<Scope>();
      scope->parent = scope_;
      Value value = Value::text(captured(statement.body, scope));
      if (statement.expression != nullptr) {  // a chain of filters over the block's output
        scope->variables[""] = value;
        const std::shared_ptr<Scope> before = std::exchange(scope_, scope);
        value = evaluate(*statement.expression);
        scope_ = before;
      }
      bind(statement, value);
      return Flow::on;
    }
    case Statement::macro:
      scope_->variables[statement.text] = macro(statement);
      return Flow::on;
    case Statement::generation: {
      auto scope = std::make_shared<Scope>();
      scope->parent = scope_;
      MarkedText block = captured(statement.body, scope);
      block.mark_generated();
      print(block);
      return Flow::on;
    }
    case Statement::stop:
      return Flow::stop;
    case Statement::skip:
      return Flow::skip;
  }
  return Flow::on;
}

MarkedText Interpreter::captured(const Body& body, std::shared_ptr<Scope> scope) {
  MarkedText text;
  MarkedText* const out = std::exchange(out_, &text);
  const std::shared_ptr<Scope> before = std::exchange(scope_, std::move(scope));
  execute(body);
  scope_ = before;
  out_ = out;
  return text;
}

void Interpreter::bind(const Statement& statement, const Value& value) {
  if (!statement.attribute.empty()) {
    const Value held = variable(statement.targets[0]);
    auto* space = dynamic_cast<Namespace*>(held.as_object());
    if (space == nullptr) throw template_error("setting an attribute of what is no namespace: " + statement.targets[0]);
    spend(space->values.items.size() / 16);
    space->set(statement.attribute, value);
  } else if (!statement.unpacks) {
    scope_->variables[statement.targets[0]] = value;
  } else {
    const std::vector<Value> items = value.iterate();
    if (items.size() != statement.targets.size()) {
      throw template_error(std::to_string(items.size()) + " values for " + std::to_string(statement.targets.size()) +
                           " names");
    }
    for (std::size_t i = 0; i < items.size(); ++i) scope_->variables[statement.targets[i]] = items[i];
  }
}

void Interpreter::assign(const Statement& statement) {
  bind(statement, evaluate(*statement.expression));
}

Interpreter::Flow Interpreter::loop(const Statement& statement) {
  const Value given = counted(evaluate(*statement.expression));
  if (const Dict* dict = given.as_dict()) spend(dict->items.size());
  if (const MarkedText* text = given.as_text()) spend(text->size() / 4);
  std::vector<Value> items = given.iterate();
  const std::shared_ptr<Scope> outer = scope_;
  const auto enter = [&](const Value& item) {
    scope_ = std::make_shared<Scope>();
    scope_->parent = outer;
    bind(statement, item);
  };
  if (statement.filter != nullptr) {
    std::vector<Value> chosen;
    for (const Value& item : items) {
      spend(1);
      enter(item);
      if (evaluate(*statement.filter).truth()) chosen.push_back(item);
    }
    items = std::move(chosen);
  }
  const auto state = std::make_shared<Loop>(std::move(items));
  for (const Value& item : state->items) {
    spend(1);
    enter(item);
    scope_->variables["loop"] = Value(std::static_pointer_cast<Object>(state));
    const Flow flow = execute(statement.body);
    ++state->index;
    if (flow == Flow::stop) break;
  }
  scope_ = outer;
  if (!state->items.empty()) return Flow::on;
  scope_ = std::make_shared<Scope>();
  scope_->parent = outer;
  const Flow flow = execute(statement.otherwise);
  scope_ = outer;
  return flow;
}

Value Interpreter::macro(const Statement& statement) {
  if (kept_.empty() || kept_.back() != scope_) kept_.push_back(scope_);
  const std::weak_ptr<Scope> home = scope_;
  return Value::function(statement.text, [this, &statement, home](Interpreter&, const Arguments& given) {
    auto scope = std::make_shared<Scope>();
    scope->parent = home.lock();
    const std::size_t count = statement.targets.size();
    spend((given.positional.size() + given.named.size()) * count / 16);
    if (given.positional.size() > count) throw template_error("too many arguments for the macro " + statement.text);
    for (const auto& [name, value] : given.named) {
      if (std::find(statement.targets.begin(), statement.targets.end(), name) == statement.targets.end())
        throw template_error("the macro " + statement.text + " with an argument " + excerpt(name));
    }
    const std::shared_ptr<Scope> before = std::exchange(scope_, scope);
    const std::size_t first_default = count - statement.defaults.size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& name = statement.targets[i];
      if (const Value* value = given.find(i, name)) {
        scope->variables[name] = *value;
      } else {
        scope->variables[name] =
            i >= first_default ? evaluate(*statement.defaults[i - first_default]) : Value::undefined(name);
      }
    }
    const int line = line_;
    MarkedText text = captured(statement.body, scope);
    line_ = line;
    scope_ = before;
    return Value::text(std::move(text));
  });
}

Value Interpreter::variable(const std::string& name) {
  std::size_t scopes = 0;
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    if (++scopes % 4 == 0) spend(1);
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return found->second;
  }
  return builtin_function(name);
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  const Deeper deeper(*this);
  if (const auto* missing = callee.get<Undefined>()) throw template_error(excerpt(missing->name) + " is undefined");
  const Function* function = callee.as_function();
  if (function == nullptr) throw template_error("a call of a value of type " + callee.type_name());
  return counted(function->call(*this, arguments));
}

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (const auto* missing = object.get<Undefined>())
    throw template_error(excerpt(missing->name.empty() ? "a value" : missing->name) +
                         " is undefined: it has no attribute " + excerpt(name));
  if (Object* held = object.as_object()) {
    if (const auto* space = dynamic_cast<const Namespace*>(held)) spend(space->values.items.size() / 16);
    return held->attribute(*this, name);
  }
  Value method = method_of(object, name);
  if (!method.is_undefined()) return method;
  const Dict* dict = object.as_dict();
  if (dict != nullptr) spend(dict->items.size() / 16);
  const Value* value = dict != nullptr ? dict->find(name) : nullptr;
  return value != nullptr ? *value : Value::undefined(name);
}

Value Interpreter::item(const Value& object, const Value& key) {
  if (const auto* missing = object.get<Undefined>())
    throw template_error(excerpt(missing->name.empty() ? "a value" : missing->name) + " is undefined: it has no items");
  const MarkedText* name = key.as_text();
  if (const Dict* dict = object.as_dict(); dict != nullptr && name != nullptr) {
    spend(dict->items.size() / 16);
    if (const Value* value = dict->find(name->text())) return *value;
  }
  if (const auto place = key.as_integer()) {
    const auto in_bounds = [&](std::int64_t count) { return *place < count && *place >= -count; };
    if (const List* list = object.as_list()) {
      const auto count = static_cast<std::int64_t>(list->items.size());
      if (in_bounds(count)) return list->items[static_cast<std::size_t>(*place < 0 ? *place + count : *place)];
    } else if (const MarkedText* text = object.as_text()) {
      const std::vector<std::size_t> starts = character_starts(text->text());
      spend(starts.size() / 64);
      const auto count = static_cast<std::int64_t>(starts.size()) - 1;
      if (in_bounds(count)) {
        const auto at = static_cast<std::size_t>(*place < 0 ? *place + count : *place);
        return Value::text(text->slice(starts[at], starts[at + 1]));
      }
    }
    return Value::undefined("item " + std::to_string(*place));
  }
  if (name == nullptr) return Value::undefined("an item");
  if (Object* held = object.as_object()) return held->attribute(*this, name->text());
  Value method = method_of(object, name->text());
  return method.is_undefined() ? Value::undefined(name->text()) : method;
}

Value Interpreter::evaluate(const Expression& node) {
  const Deeper deeper(*this);
  spend(1);
  line_ = node.line;
  switch (node.kind) {
    case Expression::literal:
      return node.value;
    case Expression::variable:
      return variable(node.name);
    case Expression::attribute:
      return attribute(evaluate(*node.children[0]), node.name);
    case Expression::item: {
      const Value object = evaluate(*node.children[0]);
      return item(object, evaluate(*node.children[1]));
    }
    case Expression::slice:
      return counted(slice(node));
    case Expression::call: {
      const Value callee = evaluate(*node.children[0]);
      return call(callee, arguments(node));
    }
    case Expression::filter: {
      const Value value = evaluate(*node.children[0]);
      return counted(apply_filter(*this, node.name, value, arguments(node)));
    }
    case Expression::test: {
      const Value value = evaluate(*node.children[0]);
      const Arguments given = arguments(node);
      for (const Value& argument : given.positional) spend_on(argument);
      if (value.as_text() != nullptr || !given.positional.empty()) spend_on(value);
      return Value(apply_test(node.name, value, given));
    }
    case Expression::list:
    case Expression::tuple:
    case Expression::dict:
      return display(node);
    case Expression::unary: {
      const Value value = evaluate(*node.children[0]);
      if (node.name == "not") return Value(!value.truth());
      return arithmetic(*this, node.name, Value::integer(0), value);
    }
    case Expression::binary:
      return binary(node);
    case Expression::compare:
      return comparison(node);
    case Expression::choice:
      return choice(node);
  }
  return {};
}

Value Interpreter::choice(const Expression& node) {
  if (evaluate(*node.children[1]).truth()) return evaluate(*node.children[0]);
  return node.children[2] != nullptr ? evaluate(*node.children[2])
                                     : Value::undefined("the value of an 'if' without 'else'");
}

Value Interpreter::binary(const Expression& node) {
  Value left = evaluate(*node.children[0]);
  if (node.name == "and") return left.truth() ? evaluate(*node.children[1]) : left;
  if (node.name == "or") return left.truth() ? left : evaluate(*node.children[1]);
  const Value right = evaluate(*node.children[1]);
  if (node.name == "~") {
    MarkedText text = left.print();
    text.append(right.print());
    return counted(Value::text(std::move(text)));
  }
  return counted(arithmetic(*this, node.name, left, right));
}

Value Interpreter::comparison(const Expression& node) {
  Value left = evaluate(*node.children[0]);
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    Value right = evaluate(*node.children[i + 1]);
    const std::string& name = node.operators[i];
    bool holds = false;
    spend_on(left);
    spend_on(right);
    if (name == "==" || name == "!=") {
      holds = left.equals(right) == (name == "==");
    } else if (name == "in" || name == "not in") {
      holds = right.contains(left) == (name == "in");
    } else {
      const int order = left.compare(right);
      holds = name == "<" ? order < 0 : name == ">" ? order > 0 : name == "<=" ? order <= 0 : order >= 0;
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::slice(const Expression& node) {
  const Value object = evaluate(*node.children[0]);
  const auto bound = [&](std::size_t child) {
    return node.children[child] != nullptr ? evaluate(*node.children[child]) : Value::none();
  };
  const Value begin = bound(1), end = bound(2), step = bound(3);
  if (object.as_text() != nullptr) spend_on(object);
  return slice_of(object, begin, end, step);
}

Value Interpreter::display(const Expression& node) {
  std::vector<Value> values;
  for (const ExpressionPtr& child : node.children) values.push_back(evaluate(*child));
  if (node.kind != Expression::dict) return Value::list(std::move(values), node.kind == Expression::tuple);
  std::vector<std::pair<std::string, Value>> items;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const MarkedText* key = values[i].as_text();
    if (key == nullptr)
      throw template_error("a dict with a key of type " + values[i].type_name() + ", which is not supported");
    items.emplace_back(key->text(), values[i + 1]);
  }
  spend_on_keys(items.size());
  return Value::dict(std::move(items));
}

Arguments Interpreter::arguments(const Expression& node) {
  Arguments given;
  for (std::size_t i = 1; i < node.children.size(); ++i) given.positional.push_back(evaluate(*node.children[i]));
  for (const auto& [name, value] : node.named) given.named.emplace_back(name, evaluate(*value));
  return given;
}

}  // namespace lethe::jinja
