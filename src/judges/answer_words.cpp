#include "judges/answer_words.h"

#include <unordered_set>

#include "data/words.h"

namespace lethe {
namespace {

// Articles, pronouns, prepositions, conjunctions, auxiliary verbs, common adverbs. Contractions are split at their
// apostrophe, so "t", "s", "ll" … are words.
constexpr const char* kFunctionWords =
    "a an the this that these those i me my mine myself we us our ours ourselves you your yours yourself yourselves he "
    "him his himself she her hers herself it its itself they them their theirs themselves one ones who whom whose "
    "which "
    "what when where why how someone somebody something anyone anybody anything everyone everybody everything nobody "
    "nothing none all any both each either every few many more most much neither no not other others another several "
    "some such own same of in on at by for from to with without within into onto upon about above across after against "
    "along among around as before behind below beneath beside besides between beyond despite down during except inside "
    "like near off out outside over past per since than through throughout toward towards under until up via and but "
    "or "
    "nor so yet if unless because although though while whether then else also too very really just only even still "
    "already again ever never always often sometimes usually perhaps maybe however therefore thus hence instead "
    "additionally moreover furthermore finally first second next last well here there now once quite rather almost "
    "enough be am is are was were been being do does did doing done have has had having can could may might must shall "
    "should will would ought need needs t s m d ll re ve don didn doesn isn aren wasn weren won wouldn couldn shouldn "
    "cannot yes ok get gets got getting let lets make makes made making go goes going give given take keep put use "
    "used "
    "using try trying want wants etc e g";

}  // namespace

std::string content_words(std::string_view text) {
  static const std::unordered_set<std::string> function_words = [] {
    std::unordered_set<std::string> set;
    for (const std::string& word : words_of(kFunctionWords)) set.insert(word);
    return set;
  }();
  std::string content;
  for (const std::string& word : words_of(normal_form(text))) {
    if (function_words.contains(word)) continue;
    if (!content.empty()) content += ' ';
    content += word;
  }
  return content;
}

}  // namespace lethe
