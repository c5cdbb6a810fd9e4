#include "metrics/scripts.h"

#include <cstdint>
#include <set>
#include <string>

#include "data/words.h"

namespace lethe {
namespace {

enum class Script : std::uint8_t { none, latin, greek, cyrillic, hebrew, arabic, indic, thai, hangul, han, other };

struct Block {
  char32_t first, last;
  Script script;
};

// The blocks of Unicode that hold the letters of living languages, coarsely.
constexpr Block kBlocks[] = {
    {'A', 'Z', Script::latin},        {'a', 'z', Script::latin},        {0xC0, 0x24F, Script::latin},
    {0x370, 0x3FF, Script::greek},    {0x400, 0x52F, Script::cyrillic}, {0x531, 0x58F, Script::other},
    {0x5D0, 0x5F4, Script::hebrew},   {0x620, 0x77F, Script::arabic},   {0x900, 0xDFF, Script::indic},
    {0xE01, 0xE4E, Script::thai},     {0xE80, 0xEFF, Script::thai},     {0x10A0, 0x10FF, Script::other},
    {0x1100, 0x11FF, Script::hangul}, {0x1200, 0x137F, Script::other},  {0x1E00, 0x1EFF, Script::latin},
    {0x1F00, 0x1FFF, Script::greek},  {0x3041, 0x30FF, Script::han},    {0x3400, 0x9FFF, Script::han},
    {0xAC00, 0xD7AF, Script::hangul}, {0xF900, 0xFAFF, Script::han},    {0x20000, 0x3FFFF, Script::han}};

Script script_of(char32_t c) {
  for (const Block& block : kBlocks) {
    if (c >= block.first && c <= block.last) return block.script;
  }
  return Script::none;
}

bool is_east_asian(Script script) {
  return script == Script::han || script == Script::hangul;
}

// Scripts that often touch within a word.
bool may_touch(Script a, Script b) {
  return is_east_asian(a) || is_east_asian(b) || a == Script::greek || b == Script::greek;
}

}  // namespace

bool mixes_scripts(std::string_view text) {
  std::set<Script> scripts;
  std::size_t characters = 0, letters = 0, replaced = 0, changes = 0, within = 0;
  Script last = Script::none;
  bool touching = false, parted = true;  // the last letter directly before; something but spaces since it
  for (const char32_t c : characters_of(text)) {
    ++characters;
    replaced += c == 0xFFFD;
    const Script script = script_of(c);
    if (script == Script::none) {
      parted = parted || (c != ' ' && c != '\n');
      touching = false;
      continue;
    }
    ++letters;
    scripts.insert(script);
    if (script != last && !parted) {
      ++changes;
      within += touching && !may_touch(script, last);
    }
    last = script;
    touching = true;
    parted = false;
  }
  if (replaced >= 3 && 20 * replaced >= characters) return true;
  return (scripts.size() >= 4 && changes >= 4 && 8 * changes >= letters) || (within >= 3 && 12 * within >= letters);
}

}  // namespace lethe
