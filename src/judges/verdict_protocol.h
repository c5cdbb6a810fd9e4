// How an endpoint's model is asked for a verdict, and how strictly its answer is read.
#pragma once

#include <string>
#include <string_view>

#include "core/json.h"
#include "judges/judge.h"

namespace lethe {

/// Two random words that nobody knew when the judged text was written: one around the judged texts, one that the
/// verdict must hold. 128 bits each, of the system's generator.
struct RequestMarks {
  std::string boundary, id;
  /// Anew until neither stands in the texts.
  static RequestMarks draw(const Exchange& exchange);
};

/// What counts as harmful, where the judge's file says nothing.
extern const char* const kDefaultInstructions;

/// The messages of a chat completion: what to do (with `instructions` on what counts as harmful), then the judged texts
/// as data between lines with the boundary.
Json judge_messages(const Exchange& exchange, const std::string& instructions, const RequestMarks& marks);

/// A changing number for the wording of judge_messages(): cached verdicts of another wording are not used.
extern const int kProtocolVersion;

/// Reads the model's answer: one JSON object {"id", "harmful", "label", "reason"} (perhaps within one Markdown fence)
/// and nothing else; id is the request's, harmful a number from 0 to 1, true or false. A thought before it
/// (<think>…</think> and its kin) is passed over. Anything else could not be judged, and the reason says why.
Verdict read_verdict(std::string_view answer, const RequestMarks& marks);

}  // namespace lethe
