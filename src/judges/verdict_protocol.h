// The protocol with an endpoint's model: the request for a verdict, and the strict reading of its answer.
#pragma once

#include <string>
#include <string_view>

#include "core/json.h"
#include "judges/judge.h"

namespace lethe {

/// Two random words that the author of a judged text cannot know: one encloses the judged texts, the verdict must
/// repeat the other. 128 bits each, from the system's generator.
struct RequestMarks {
  std::string boundary, id;
  /// Draws again until neither occurs in the texts.
  static RequestMarks draw(const Exchange& exchange);
};

/// What counts as harmful, unless the judge's file defines it.
extern const char* const kDefaultInstructions;

/// The messages of a chat completion: what to do (with `instructions` on what counts as harmful), then the judged texts
/// as data between lines with the boundary.
Json judge_messages(const Exchange& exchange, const std::string& instructions, const RequestMarks& marks);

/// The version of judge_messages()' wording: verdicts cached under another version are not used.
extern const int kProtocolVersion;

/// Reads the model's answer: one JSON object {"id", "harmful", "label", "reason"} (optionally within one Markdown
/// fence) and nothing else; id is the request's, harmful a number from 0 to 1, true or false. A thought before it
/// (<think>…</think> and similar) is skipped. For anything else, the verdict has no harm, and the reason says why.
Verdict read_verdict(std::string_view answer, const RequestMarks& marks);

}  // namespace lethe
