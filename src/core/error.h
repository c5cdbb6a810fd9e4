// Errors for the user: what the program was doing, what it wanted, what it found, and what to do.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lethe {

/// Exit status of the program (cli.md).
enum class ExitCode { done = 0, failed = 1, usage = 2, bad_input = 3, interrupted = 130 };

/// An error as the user sees it: one sentence, then labelled lines.
///
///     throw bad_input("cannot load model.safetensors").with("tensor", name).wanted("F16 [2, 3]").found("F32 [2, 3]");
///
/// prints as
///
///     lethe: cannot load model.safetensors
///       tensor  model.norm.weight
///       wanted  F16 [2, 3]
///       found   F32 [2, 3]
class Error : public std::exception {
 public:
  explicit Error(std::string doing, ExitCode code = ExitCode::failed);

  Error& with(std::string label, std::string value) &;
  Error&& with(std::string label, std::string value) && { return std::move(with(std::move(label), std::move(value))); }
  Error& wanted(std::string value) & { return with("wanted", std::move(value)); }
  Error&& wanted(std::string value) && { return std::move(with("wanted", std::move(value))); }
  Error& found(std::string value) & { return with("found", std::move(value)); }
  Error&& found(std::string value) && { return std::move(with("found", std::move(value))); }
  /// What to do about it.
  Error& hint(std::string value) & { return with("try", std::move(value)); }
  Error&& hint(std::string value) && { return std::move(with("try", std::move(value))); }

  ExitCode code() const { return code_; }
  const std::string& doing() const { return doing_; }
  /// The whole message: the sentence, then the labelled lines, aligned.
  const char* what() const noexcept override { return text_.c_str(); }
  /// The same on one line, for logs and replies: "cannot load a.safetensors; wanted: F16 [2, 3]; found: F32 [2, 3]".
  std::string on_one_line() const;

 private:
  void compose();
  std::string doing_;
  std::vector<std::pair<std::string, std::string>> lines_;
  ExitCode code_;
  std::string text_;
};

/// The user's file or data is wrong: exit status 3.
Error bad_input(std::string doing);
/// The command line is wrong: exit status 2.
Error bad_usage(std::string doing);

/// The message of a failed allocation; a constant, since there may be no memory to build one.
inline constexpr const char* kOutOfMemory = "cannot go on: out of memory";
inline constexpr const char* kOutOfMemoryHint =
    "a smaller training.batch or --batch, tuning=lora, training.recompute=true, or a larger machine";

/// Text from outside (a name, a row, a model's answer) for a message: control characters escaped, cut to `limit` bytes
/// at a character boundary with an ellipsis.
std::string excerpt(std::string_view text, std::size_t limit = 80);

/// 1234567 -> "1,234,567"
std::string with_commas(std::uint64_t value);

}  // namespace lethe
