// A model in memory that answers requests, many at a time, on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "models/causal_lm.h"
#include "prompts/template.h"
#include "server/answer.h"
#include "server/model_source.h"
#include "tensors/device.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

struct LiveModelOptions {
  Compute compute;                           ///< device and compute dtype
  std::string layout = "auto";               ///< template of chats, as --template
  std::string system;                        ///< as --system
  std::int64_t batch = 64;                   ///< answers decoded at a time
  std::int64_t cache_bytes = 0;              ///< of keys and values; 0: as GenerationOptions
  std::size_t waiting = 256;                 ///< answers that may wait for a place, and that one request may want
  double longest_wait = 120;                 ///< seconds that one waits
  double longest_answer = 600;               ///< seconds of decoding; then an answer ends with "length"
  std::int64_t longest_prompt = 0;           ///< tokens; 0: the model's positions
  std::int64_t most_answer_tokens = 32'768;  ///< of any answer; a larger number that a request names counts as this
  std::int64_t default_tokens = 1024;        ///< of an answer in a chat that names no number
};

class LiveModel {
 public:
  /// Loads the model and starts its thread. @throws Error as load_model(), Tokenizer::load(), Template::open()
  LiveModel(ModelSource source, const LiveModelOptions& options);
  /// As stop().
  ~LiveModel();
  LiveModel(const LiveModel&) = delete;

  const ModelSource& source() const { return source_; }
  const std::string& name() const { return source_.name; }
  const LiveModelOptions& options() const { return options_; }
  /// The checkpoint's folder: config.json and the tokenizer.
  const std::filesystem::path& folder() const { return folder_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  /// How the messages of a chat become a prompt.
  const Template& layout() const { return layout_; }
  const DecoderSpec& spec() const { return model_.spec(); }
  std::int64_t created() const { return created_; }  ///< Unix time of loading
  std::int64_t default_tokens() const { return options_.default_tokens; }
  std::size_t most_answers() const { return options_.waiting; }

  /// The tokens of a prompt as it is, with the tokenizer's special tokens.
  std::vector<int> encode(const std::string& text) const;
  /// The tokens of a chat's last message after the others. @throws Error (bad input) if the template refuses them
  std::vector<int> encode_chat(const std::string& prompt, std::span<const ChatMessage> before) const;
  /// @throws ApiError (400) for a prompt of this many tokens if it is empty or too long: by the options, for the
  ///         model's positions, or for the memory of the keys and values
  void check_length(std::size_t tokens) const;

  /// How many tokens an answer to a prompt of that many may have, of those that are wanted.
  std::int64_t new_tokens(std::size_t prompt, std::int64_t wanted) const;

  /// Makes these answers begin as soon as there is room; the model's thread fills them.
  /// @throws ApiError (429) if too many wait, (503) if the model is ending
  void submit(std::span<const std::shared_ptr<Answer>> answers);

  /// Runs an action on the model's thread while no answer is decoded, and waits for it. Running answers end before it;
  /// those that wait, or come meanwhile, begin after it. For changing weights: replace the tensors, since those of the
  /// model may be memory-mapped from its files. It runs under c10::InferenceMode. Actions run one by one, in their
  /// order.
  /// @param connected  whether the client still waits: if not, an action that has not begun is dropped
  /// @throws what the action throws; ApiError (503) if the model is ending, (429) if too many wait, (499) if it was
  ///         dropped
  void change(const std::function<void(CausalLM&)>& action, const std::function<bool()>& connected = {});

  /// Ends all answers with an error, and the thread. What is submitted later is refused.
  void stop();

 private:
  struct Change {
    const std::function<void(CausalLM&)>& action;
    std::exception_ptr failure;
    bool done = false;
  };
  void work();
  /// Waits for work. @return false: the model is ending
  bool await_work(const RunningBatch& batch);
  void begin_waiting(RunningBatch& batch);
  void check_bytes(std::size_t bytes) const;
  std::int64_t most_prompt() const;
  BatchRow row_of(const std::shared_ptr<Answer>& answer);
  void run_changes();
  void end_all(const std::string& why);

  const ModelSource source_;
  const LiveModelOptions options_;
  const std::filesystem::path folder_;
  const Tokenizer tokenizer_;
  const Template layout_;
  CausalLM model_;
  const std::vector<int> stop_ids_;
  const std::int64_t most_tokens_;   // of prompt and answer
  const std::size_t longest_token_;  // bytes
  const std::int64_t created_;
  std::set<std::shared_ptr<Answer>> running_;  // of the model's thread alone
  std::mutex mutex_;                           // of what follows
  std::condition_variable work_, changed_;
  std::deque<std::shared_ptr<Answer>> waiting_;
  std::deque<Change*> changes_;
  bool stopping_ = false;
  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace lethe
