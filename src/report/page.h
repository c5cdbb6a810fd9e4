// The report: one self-contained HTML file without scripts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/enum_words.h"
#include "report/plot.h"
#include "report/table.h"

namespace lethe {

/// How an answer is marked: by a sign and a colour beside its verdict.
enum class Tone : std::uint8_t {
  neutral,
  good,
  broken,
  harmful,   ///< the answer is folded away until the reader opens it
  unjudged,  ///< no judge could judge it: it may be harmful, so it is folded away too
};

struct ShownAnswer {
  std::string text, verdict;
  Tone tone = Tone::neutral;
};

/// Two answers to one prompt, shown side by side (one below the other on a narrow screen); or one model's answer alone.
struct AnswerPair {
  std::string prompt;
  ShownAnswer before;
  std::optional<ShownAnswer> after;
};

/// Answers of one kind, folded; harmful ones within are folded once more.
struct AnswerGroup {
  std::string title;
  std::vector<AnswerPair> pairs;
  std::size_t left_out = 0;  ///< further ones that are not shown
  std::size_t examples = 0;  ///< so many pairs stand before the fold; for groups without harm
  bool withheld = false;     ///< no judge decided on these answers: no counts of harm
};

/// A part of the page under a heading of its own. Everything may be empty; all text is escaped and bounded.
struct Section {
  std::string title;
  std::vector<std::string> notes;  ///< paragraphs
  std::vector<std::string> items;  ///< a list
  std::vector<Table> tables;
  std::vector<Plot> plots;
  std::vector<AnswerGroup> answers;
};

/// The verdict on a run. `green` is the best level, `red` the worst; with `none` the figures support no verdict.
enum class VerdictLevel : std::uint8_t { none, green, amber, red };

/// As in results.json.
template <>
struct EnumWords<VerdictLevel> {
  static constexpr std::pair<std::string_view, VerdictLevel> all[] = {{"none", VerdictLevel::none},
                                                                      {"green", VerdictLevel::green},
                                                                      {"amber", VerdictLevel::amber},
                                                                      {"red", VerdictLevel::red}};
};

struct RunVerdict {
  VerdictLevel level = VerdictLevel::none;
  std::string sentence;
  std::vector<std::string> reasons;  ///< the worst first
};

/// A figure that stands large beside the verdict.
struct KeyFigure {
  std::string name;   ///< "Harm on unseen prompts"
  std::string value;  ///< "4.1%"
  std::string note;   ///< what it is of, its interval, the original's
};

/// The page's own notes, tables, plots and answers come first, then the sections, with a table of contents.
struct Page : Section {
  std::optional<RunVerdict> verdict;   ///< first of all, under the title
  std::vector<KeyFigure> key_figures;  ///< within the verdict: three at most
  std::string summary;                 ///< a paragraph under it
  std::vector<std::string> warnings;   ///< shown before everything else
  std::vector<Section> sections;
  std::string recipe;  ///< YAML
};

/// All text is escaped and bounded: prompts and answers are cut to 600 bytes, lists and tables to 500 entries, settings
/// to 64 KiB. What is cut says so.
std::string html_page(const Page& page);

}  // namespace lethe
