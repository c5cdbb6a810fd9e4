#include "formats/yaml_keys.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "core/error.h"

namespace lethe {
namespace {

// Handles the parser's events, so that an alias is one event, whatever its size.
class YamlCheck : public YAML::EventHandler {
 public:
  explicit YamlCheck(const std::string& doing) : doing_(doing) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (began_) throw at(mark).wanted("one YAML document").found("something after its end");
    began_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { begin(mark, std::nullopt, false); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (anchor != 0) texts_[anchor] = value;
    begin(mark, value, tag != "!");  // the tag of a quoted text
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    for (const Open& open : open_) {
      if (open.anchor == anchor) throw at(mark).found("an alias within what it stands for");
    }
    const auto text = texts_.find(anchor);
    begin(mark, text == texts_.end() ? std::nullopt : std::optional(text->second), false);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, std::nullopt, false);
    open_.push_back({false, false, anchor, {}});
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, std::nullopt, false);
    open_.push_back({true, true, anchor, {}});
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Open {
    bool map, key_is_next;
    YAML::anchor_t anchor;
    std::set<std::string> keys;
  };

  Error at(const YAML::Mark& mark) const {
    Error error = bad_input(doing_);
    if (mark.line >= 0) error.with("line", std::to_string(mark.line + 1));
    return error;
  }
  // Begins a node: an entry, a key or a value of the open collection.
  void begin(const YAML::Mark& mark, const std::optional<std::string>& text, bool plain) {
    if (open_.empty() || !open_.back().map) return;
    Open& map = open_.back();
    const bool key = map.key_is_next;
    map.key_is_next = !key;
    if (!key || !text) return;
    if (plain && *text == "<<")
      throw at(mark).with("key", "<<").wanted("keys written out").found("a merge key, which is not read");
    if (!map.keys.insert(*text).second) throw at(mark).with("key", excerpt(*text)).found("given twice");
  }

  const std::string& doing_;
  bool began_ = false;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::string> texts_;
};

}  // namespace

YAML::Node load_yaml(const std::string& text, const std::string& doing) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    YamlCheck check(doing);
    // The second call finds the end or a second document, which the check refuses before it is parsed.
    if (parser.HandleNextDocument(check)) parser.HandleNextDocument(check);
    return YAML::Load(text);
  } catch (const YAML::Exception& problem) {
    throw bad_input(doing).wanted("YAML").found(excerpt(problem.what(), 200));
  }
}

}  // namespace lethe
