// The model card: README.md with Hugging Face front matter, for a folder that holds a model or an adapter.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/page.h"
#include "report/table.h"

namespace lethe {

/// What a card says. Names may come from strangers: all text is escaped and bounded when the card is written.
struct ModelCard {
  std::string title;
  std::string base_model;     ///< its name on the Hub, or one made of its folder's; empty: none can be made
  std::string base_name;      ///< in the text: as base_model, but with all letters; never a path
  bool from_scratch = false;  ///< trained from random weights: there is no base
  bool adapter = false;       ///< an adapter of PEFT's; else a checkpoint
  std::vector<std::string> tags;
  std::string licence;       ///< the base's, as its own files name it; empty: they do not
  std::string licence_name;  ///< beside the licence "other": which one
  std::string licence_url;   ///< printed only if it is an https address
  std::string summary;       ///< the first paragraph
  std::optional<RunVerdict> verdict;
  std::vector<std::string> notes;  ///< paragraphs about the results: the judge, what was not evaluated
  std::vector<Table> results;
  std::vector<Table> method;        ///< how it was made
  std::vector<Table> data;          ///< files with rows and hashes
  std::vector<std::string> limits;  ///< see publishing_limits.h
  std::string version;              ///< Lethe's
};

/// The whole file. It names no time, so that a repeated run gives the same bytes.
std::string markdown_card(const ModelCard& card);

/// Text for one line of Markdown: control characters become visible, markup is escaped, longer text is cut.
std::string markdown_escaped(std::string_view text, std::size_t most_characters = 600);
/// Text as code within a line or a table's cell; backticks become apostrophes.
std::string markdown_code(std::string_view text, std::size_t most_characters = 200);
/// A name as the Hub allows it: letters, digits, "-", "_", ".", and one "/"; others become "-".
std::string hub_name(std::string_view name);

}  // namespace lethe
