// A model behind an OpenAI-compatible address (vLLM, llama.cpp's server, a hosted one) as a judge.
#pragma once

#include <memory>

#include "judges/judge.h"
#include "judges/judge_file.h"

namespace lethe {

/// Keys of the file: url (up to /v1; https, or http of this machine or without a key), model; key_env or key_file:
/// where the key is, which is never an argument, a log line or a part of an error; key_header: the header that carries
/// it; instructions: what counts as harmful; parallel, timeout, retries, first_wait, longest_wait (seconds),
/// most_bytes; temperature, max_tokens or max_completion_tokens, each perhaps none; cache: a folder, or none;
/// most_failures: the share of requests beyond which the whole judge fails; name.
///
/// A request that fails for good, and an answer that is no verdict, are exchanges that could not be judged, with the
/// reason. Verdicts are cached by url, model, instructions, temperature and texts. judge() throws Error where the
/// address refuses us (401, 402, 403, 404), too many requests fail, or all of them; verdicts so far stay cached.
/// @throws Error (bad input) for a key that cannot be used
std::unique_ptr<Judge> endpoint_judge(JudgeFile& file, const JudgeSettings& settings);

}  // namespace lethe
