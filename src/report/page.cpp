#include "report/page.h"

#include <algorithm>

#include "core/error.h"
#include "core/redaction.h"
#include "report/escape.h"
#include "report/page_style.h"

namespace lethe {
namespace {

constexpr std::size_t kLongestLine = 300, kLongestParagraph = 2000, kLongestRecipe = 1 << 16;  // bytes
constexpr std::size_t kMostItems = 500;                                                        // of a list

struct ToneLook {
  const char *name, *sign;
};
ToneLook look_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return {" good", "✓ "};
    case Tone::broken:
      return {" broken", "✗ "};
    case Tone::harmful:
      return {" harmful", "⚠ "};
    default:
      return {"", ""};
  }
}

// A prompt or an answer, or with --redact its placeholder.
std::string html_text(const std::string& text) {
  return html_bounded(whole_text(text));
}

std::string side(const ShownAnswer& answer, const char* who) {
  const ToneLook look = look_of(answer.tone);
  std::string html = std::string("<div class=\"answer") + look.name + "\">";
  if (*who != '\0') html += std::string("<p class=\"who\">") + who + "</p>";
  if (!answer.verdict.empty())
    html += std::string("<p class=\"verdict\"><span aria-hidden=\"true\">") + look.sign + "</span>" +
            html_bounded(answer.verdict, 300) + "</p>";
  const std::string text = "<p class=\"text\" dir=\"auto\">" +
                           (answer.text.empty() ? std::string("<i>(nothing)</i>") : html_text(answer.text)) + "</p>";
  const char* fold = answer.tone == Tone::harmful    ? "Show the harmful answer"
                     : answer.tone == Tone::unjudged ? "Show the answer"
                                                     : nullptr;
  html += fold ? std::string("<details><summary>") + fold + "</summary>" + text + "</details>" : text;
  return html + "</div>";
}

// "2 harmful, 1 broken of 40": what a reader wants to know before opening.
std::string count_of(const AnswerGroup& group, bool after) {
  std::size_t harmful = 0, broken = 0, unjudged = 0;
  for (const AnswerPair& pair : group.pairs) {
    if (after && !pair.after) continue;
    const Tone tone = after ? pair.after->tone : pair.before.tone;
    harmful += tone == Tone::harmful;
    broken += tone == Tone::broken;
    unjudged += tone == Tone::unjudged;
  }
  if (group.withheld) return std::to_string(broken) + " broken";
  return std::to_string(harmful) + " harmful, " + std::to_string(broken) + " broken" +
         (unjudged > 0 ? ", " + std::to_string(unjudged) + " not judged" : "");
}

// @param from, to  the pairs of the group to list, by number
std::string html_pairs(const AnswerGroup& group, std::size_t from, std::size_t to, bool two) {
  std::string html = "<ol class=\"pairs\" start=\"" + std::to_string(from + 1) + "\">";
  for (std::size_t i = from; i < to; ++i) {
    const AnswerPair& pair = group.pairs[i];
    html += "<li><p class=\"prompt text\" dir=\"auto\">" + html_text(pair.prompt) + "</p><div class=\"sides\">" +
            side(pair.before, two ? "before" : "");
    if (pair.after) html += side(*pair.after, "after");
    html += "</div></li>\n";
  }
  return html + "</ol>";
}

std::string html_group(const AnswerGroup& group) {
  const bool two = std::any_of(group.pairs.begin(), group.pairs.end(),
                               [](const AnswerPair& pair) { return pair.after.has_value(); });
  const std::size_t examples = std::min(group.examples, group.pairs.size());
  std::string html;
  if (examples > 0)
    html = "<h3>" + html_bounded(group.title, kLongestLine) + "</h3>" + html_pairs(group, 0, examples, two);
  const std::size_t all = group.pairs.size() + group.left_out;
  if (examples == all && all > 0) return html;  // nothing is left to fold
  html += "<details><summary>" +
          (examples > 0 ? std::to_string(group.pairs.size() - examples) + " more"
                        : html_bounded(group.title, kLongestLine)) +
          " (" + std::to_string(group.pairs.size()) + (group.left_out > 0 ? " of " + std::to_string(all) : "") +
          " shown; " +
          (two ? "before: " + count_of(group, false) + "; after: " + count_of(group, true) : count_of(group, false)) +
          ")</summary>";
  if (group.left_out > 0)
    html += "<p>" + std::to_string(group.left_out) + " more are in predictions.jsonl beside this page.</p>";
  return html + html_pairs(group, examples, group.pairs.size(), two) + "</details>\n";
}

std::string html_list(const std::vector<std::string>& items) {
  if (items.empty()) return "";
  std::string html = "<ul>";
  for (std::size_t i = 0; i < items.size() && i < kMostItems; ++i)
    html += "<li>" + html_bounded(items[i], kLongestParagraph) + "</li>\n";
  if (items.size() > kMostItems) html += "<li>… and " + with_commas(items.size() - kMostItems) + " more</li>\n";
  return html + "</ul>";
}

std::string content_of(const Section& section) {
  std::string html;
  for (const std::string& note : section.notes) html += "<p>" + html_bounded(note, kLongestParagraph) + "</p>\n";
  html += html_list(section.items);
  for (const Table& table : section.tables) html += html_table(table);
  for (const Plot& plot : section.plots) html += html_plot(plot);
  for (const AnswerGroup& group : section.answers) html += html_group(group);
  return html;
}

// The level is a word as well as a colour.
std::string html_verdict(const Page& page) {
  const RunVerdict& verdict = *page.verdict;
  const char* title = "No verdict";
  if (verdict.level == VerdictLevel::green) title = "Green: no objection found";
  if (verdict.level == VerdictLevel::amber) title = "Amber: do not release yet";
  if (verdict.level == VerdictLevel::red) title = "Red: do not release";
  std::string html = "<section class=\"outcome " + word_of(verdict.level) +
                     "\" aria-label=\"Verdict\"><p class=\"level\">" + title + "</p><p>" +
                     html_bounded(verdict.sentence, kLongestParagraph) + "</p>";
  if (!page.key_figures.empty()) {
    html += "<dl class=\"keys\">";
    for (const KeyFigure& figure : page.key_figures)
      html += "<div><dt>" + html_bounded(figure.name, kLongestLine) + "</dt><dd class=\"value\">" +
              html_bounded(figure.value, kLongestLine) + "</dd><dd>" + html_bounded(figure.note, kLongestParagraph) +
              "</dd></div>";
    html += "</dl>";
  }
  return html + html_list(verdict.reasons) + "</section>\n";
}

std::string html_section(const std::string& title, std::size_t number, const std::string& content) {
  const std::string id = "part-" + std::to_string(number);
  return "<section aria-labelledby=\"" + id + "\"><h2 id=\"" + id + "\">" + html_bounded(title, kLongestLine) +
         "</h2>\n" + content + "</section>\n";
}

}  // namespace

std::string html_page(const Page& page) {
  std::string html =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\"><meta name=\"color-scheme\" content=\"light dark\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
      html_bounded(page.title, kLongestLine) + "</title><style>" + kPageStyle + "</style></head><body><main>\n<h1>" +
      html_bounded(page.title, kLongestLine) + "</h1>\n";
  if (page.verdict) html += html_verdict(page);
  if (!page.summary.empty()) html += "<p>" + html_bounded(page.summary, kLongestParagraph) + "</p>\n";
  for (const std::string& warning : page.warnings)
    html += "<p class=\"warning\"><b>⚠ Warning:</b> " + html_bounded(warning, kLongestParagraph) + "</p>\n";

  std::vector<std::pair<std::string, std::string>> parts;  // title, content
  for (const Section& section : page.sections) parts.emplace_back(section.title, content_of(section));
  if (!page.recipe.empty())
    parts.emplace_back("Settings", "<pre>" + html_bounded(page.recipe, kLongestRecipe) + "</pre>");
  if (parts.size() > 1) {
    html += "<nav aria-label=\"Contents\"><ul>";
    for (std::size_t i = 0; i < parts.size(); ++i)
      html += "<li><a href=\"#part-" + std::to_string(i + 1) + "\">" + html_bounded(parts[i].first, kLongestLine) +
              "</a></li>";
    html += "</ul></nav>\n";
  }
  html += content_of(page);
  for (std::size_t i = 0; i < parts.size(); ++i) html += html_section(parts[i].first, i + 1, parts[i].second);
  return html + "</main></body></html>\n";
}

}  // namespace lethe
