#include "core/error.h"
#include "text/components.h"

namespace lethe {
namespace {

Normalizer make_sequence(const Json& part) {
  std::vector<Normalizer> steps;
  for (const Json& step : component_key(part, "normalizers")) steps.push_back(make_normalizer(step));
  return [steps = std::move(steps)](NormalizedText& text) {
    for (const Normalizer& step : steps) step(text);
  };
}

Normalizer make_prepend(const Json& part) {
  return [prefix = component_string(part, "prepend")](NormalizedText& text) { text.prepend(prefix); };
}

Normalizer make_replace(const Json& part) {
  return [find = make_finder(component_key(part, "pattern")), content = component_string(part, "content")](
             NormalizedText& text) { text.replace(find(text.text()), content); };
}

}  // namespace

Normalizer make_normalizer(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") return make_sequence(part);
  if (type == "Prepend") return make_prepend(part);
  if (type == "Replace") return make_replace(part);
  refuse_component("normalizer", part);
}

}  // namespace lethe
