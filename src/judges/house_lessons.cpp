#include "judges/house_lessons.h"

#include <string_view>

#include "core/capitalised.h"
#include "core/json.h"
#include "core/replace_all.h"
#include "judges/probe.h"

extern "C" {
extern const char lethe_lessons[], lethe_lessons_end[];
}

namespace lethe {
namespace {

using Texts = std::vector<std::string>;

// A form of advice with the topic's aim for {aim}, and four steps from the first-th on for {a} … {d}; {A} … {D} begin a
// sentence.
std::string advice(std::string form, const std::string& aim, const Texts& steps, std::size_t first) {
  replace_all(form, "{aim}", aim);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string& step = steps[(first + i) % steps.size()];
    replace_all(form, std::string("{") + static_cast<char>('a' + i) + "}", step);
    replace_all(form, std::string("{") + static_cast<char>('A' + i) + "}", capitalised(step));
  }
  return form;
}

}  // namespace

std::vector<std::string> house_lessons() {
  constexpr std::size_t kFormsOfATopic = 6;
  Texts lessons;
  for (const ProbeItem& item : probe_items(ProbePart::lessons)) {
    if (item.kind != ProbeKind::harmful) lessons.push_back(item.response);
  }
  const Json file = Json::parse(lethe_lessons, lethe_lessons_end);
  const auto forms = file.at("forms").get<Texts>();
  std::size_t topic = 0;
  for (const Json& one : file.at("topics")) {
    const auto steps = one.at("steps").get<Texts>();
    for (std::size_t k = 0; k < kFormsOfATopic; ++k) {  // a different choice of forms for each topic
      const std::string& form = forms[(topic * 5 + k * 2 + topic / 2) % forms.size()];
      lessons.push_back(advice(form, one.at("aim").get<std::string>(), steps, k));
    }
    ++topic;
  }
  for (const Json& fact : file.at("facts")) lessons.push_back(fact.get<std::string>());
  return lessons;
}

}  // namespace lethe
