// A model behind an OpenAI-compatible address (vLLM, llama.cpp's server, a hosted service) as a judge.
#pragma once

#include <memory>

#include "judges/judge.h"
#include "judges/judge_file.h"

namespace lethe {

/// Keys of the file: url (up to /v1; https, or http of this machine or without a key), model; key_env or key_file:
/// where the key is (it is never in arguments, logs or errors); key_header: the header for the key; instructions: what
/// counts as harmful; scores, veto: a rubric (Rubric); format: verdict, or guard for a guard model that gets the
/// exchange alone and answers in its own words (after, unsafe, safe, borderline: GuardWords); parallel, timeout,
/// retries, first_wait, longest_wait (seconds), most_bytes; temperature, max_tokens or max_completion_tokens, each may
/// be none; cache: a folder, or none; most_failures: the largest share of failed requests before the judge fails; name.
///
/// If a request fails permanently or the answer is not a verdict, the exchange could not be judged, with the reason.
/// Verdicts are cached by url, model, instructions, temperature and texts. judge() throws Error if the server denies
/// access (401, 402, 403, 404), or too many requests fail, or all; earlier verdicts stay cached.
/// @throws Error (bad input) for a key that cannot be used
std::unique_ptr<Judge> endpoint_judge(JudgeFile& file, const JudgeSettings& settings);

/// Checks that url and model are given, and that the environment variable in key_env holds a key. Nothing is contacted.
/// @throws Error (bad input) otherwise
void check_endpoint(JudgeFile& file);

}  // namespace lethe
