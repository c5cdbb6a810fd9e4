#include "server/served_model.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

#include "core/error.h"
#include "core/messages.h"
#include "core/seconds_since.h"
#include "core/terminal.h"
#include "models/loading.h"
#include "models/stop_tokens.h"
#include "runs/template_choice.h"
#include "server/api_error.h"

namespace lethe {
namespace {

Template template_of(const ModelSource& source, const LiveModelOptions& options, const std::filesystem::path& folder) {
  const TemplateChoice choice =
      choose_template({.response_template = options.layout, .system = options.system}, folder, source.adapters);
  say(source.name + ": " + choice.sentence());
  return Template::open(choice.text, choice.system, folder, "--template");
}

CausalLM load(const ModelSource& source, const LiveModelOptions& options, const std::filesystem::path& folder) {
  const Checkpoint checkpoint(folder);
  const OpenAdapters opened = open_adapters(source.adapters);
  const AppliedAdapters applied(checkpoint, opened.weighted);
  return load_model(
      checkpoint,
      {.device = options.compute.device, .dtype = options.compute.dtype, .adapters = &applied, .mapped = true});
}

ApiError ending() {
  return {503, "the server is ending"};
}

constexpr std::size_t kMostChanges = 16;  // of the weights, that may wait

/// Tokens of prompt and answer that one row's keys and values may take, alone in the cache.
std::int64_t tokens_that_fit(const CausalLM& model, std::int64_t cache_bytes) {
  if (cache_bytes <= 0) {
    cache_bytes = default_cache_bytes(model);
    if (model.device().is_cpu())
      cache_bytes = std::max(cache_bytes, static_cast<std::int64_t>(std::min<std::uint64_t>(
                                              available_bytes() / 4, std::numeric_limits<std::int64_t>::max())));
  }
  const std::int64_t fit = cache_bytes / cache_bytes_of_token(model);
  return model.spec().max_positions > 0 ? std::min(fit, model.spec().max_positions) : fit;
}

/// Bytes of the longest token as the vocabulary has it.
std::size_t longest_token(const Tokenizer& tokenizer) {
  std::size_t longest = 1;
  for (int id = 0; id < tokenizer.size(); ++id) longest = std::max(longest, tokenizer.token(id).size());
  return longest;
}

}  // namespace

LiveModel::LiveModel(ModelSource source, const LiveModelOptions& options)
    : source_(std::move(source)),
      options_(options),
      folder_(resolve_model_folder(source_.checkpoint)),
      tokenizer_(Tokenizer::load(folder_)),
      layout_(template_of(source_, options_, folder_)),
      model_(load(source_, options_, folder_)),
      stop_ids_(stop_tokens(folder_)),
      most_tokens_(tokens_that_fit(model_, options_.cache_bytes)),
      longest_token_(longest_token(tokenizer_)),
      created_(std::time(nullptr)),
      thread_([this] { work(); }) {}

LiveModel::~LiveModel() {
  stop();
}

void LiveModel::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  std::call_once(joined_, [this] { thread_.join(); });
}

/// Encoding megabytes takes seconds: a text that cannot fit is refused before it.
void LiveModel::check_bytes(std::size_t bytes) const {
  const std::int64_t most = most_prompt();
  if (bytes / longest_token_ <= static_cast<std::size_t>(most)) return;
  throw ApiError(400,
                 "the prompt has " + with_commas(bytes) + " bytes; at most " + with_commas(most) + " tokens are taken",
                 "prompt", "context_length_exceeded");
}

std::vector<int> LiveModel::encode(const std::string& text) const {
  check_bytes(text.size());
  return tokenizer_.encode(text).ids;
}

std::vector<int> LiveModel::encode_chat(const std::string& prompt, std::span<const ChatMessage> before) const {
  std::size_t bytes = prompt.size();
  for (const ChatMessage& message : before) bytes += message.content.size();
  check_bytes(bytes);
  return encode_prompt(tokenizer_, layout_, prompt, before);
}

void LiveModel::check_length(std::size_t tokens) const {
  if (tokens == 0) throw ApiError(400, "the prompt must have at least one token");
  const std::int64_t most = most_prompt();
  if (static_cast<std::int64_t>(tokens) <= most) return;
  throw ApiError(400, "the prompt has " + with_commas(tokens) + " tokens; at most " + with_commas(most) + " are taken",
                 "prompt", "context_length_exceeded");
}

std::int64_t LiveModel::most_prompt() const {
  return options_.longest_prompt > 0 ? std::min(options_.longest_prompt, most_tokens_) : most_tokens_;
}

std::int64_t LiveModel::new_tokens(std::size_t prompt, std::int64_t wanted) const {
  return std::min({wanted, options_.most_answer_tokens, most_tokens_ - static_cast<std::int64_t>(prompt)});
}

void LiveModel::submit(std::span<const std::shared_ptr<Answer>> answers) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) throw ending();
    std::erase_if(waiting_, [](const auto& answer) { return answer->given_up(); });
    if (waiting_.size() + answers.size() > options_.waiting)
      throw ApiError(429, "too many requests wait for an answer; try again later");
    waiting_.insert(waiting_.end(), answers.begin(), answers.end());
  }
  work_.notify_all();
}

void LiveModel::change(const std::function<void(CausalLM&)>& action, const std::function<bool()>& connected) {
  Change change{action, nullptr};
  std::unique_lock lock(mutex_);
  if (stopping_) throw ending();
  if (changes_.size() >= kMostChanges) throw ApiError(429, "too many changes wait; try again later");
  changes_.push_back(&change);
  work_.notify_all();
  while (!changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return change.done; })) {
    // One that has begun is no longer in the queue, and is waited for.
    if (connected && !connected() && std::erase(changes_, &change) > 0)
      throw ApiError(499, "the client closed the connection");
  }
  if (change.failure) std::rethrow_exception(change.failure);
}

bool LiveModel::await_work(const RunningBatch& batch) {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return stopping_ || !waiting_.empty() || !changes_.empty() || batch.rows() > 0; });
  return !stopping_;
}

void LiveModel::work() {
  const c10::InferenceMode inference;
  at::init_num_threads();  // the number of threads is kept by thread
  const RunningBatchOptions options{.batch = options_.batch, .cache_bytes = options_.cache_bytes};
  auto batch = std::make_unique<RunningBatch>(model_, options);
  while (await_work(*batch)) {
    try {
      begin_waiting(*batch);
      batch->prefill();
      batch->decode();
      if (batch->rows() == 0) run_changes();
    } catch (const std::exception& error) {  // out of memory, mostly: the server goes on with other requests
      warn(source_.name + ": the running answers failed: " + excerpt(error.what(), 300));
      end_all("the model failed");
      batch = std::make_unique<RunningBatch>(model_, options);
    }
  }
  end_all("the server is ending");
  const std::lock_guard lock(mutex_);
  for (const auto& answer : std::exchange(waiting_, {})) answer->fail("the server is ending");
  for (Change* change : std::exchange(changes_, {})) {
    change->failure = std::make_exception_ptr(ending());
    change->done = true;
  }
  changed_.notify_all();
}

/// Begins answers in their order while there is room. While a change waits, none begins.
void LiveModel::begin_waiting(RunningBatch& batch) {
  for (;;) {
    std::shared_ptr<Answer> answer;
    {
      const std::lock_guard lock(mutex_);
      while (!waiting_.empty() && waiting_.front()->given_up()) waiting_.pop_front();
      if (waiting_.empty() || !changes_.empty()) return;
      answer = waiting_.front();
      waiting_.pop_front();
    }
    running_.insert(answer);  // where end_all() finds it if add() throws
    if (!batch.add(row_of(answer))) {
      running_.erase(answer);
      const std::lock_guard lock(mutex_);
      waiting_.push_front(answer);
      return;
    }
    answer->begin();
  }
}

BatchRow LiveModel::row_of(const std::shared_ptr<Answer>& answer) {
  const AnswerRequest& request = answer->request();
  const auto start = std::chrono::steady_clock::now();
  return {
      .prompt = request.prompt,
      .max_new_tokens = request.max_new_tokens,
      .sampling = request.sampling,
      .stop_ids = stop_ids_,
      .stream = RandomStream(request.seed, "generate", request.index),
      .chances = request.logprobs,
      .prompt_chances = request.prompt_logprobs,
      .prompt_read = [answer](std::vector<TokenChances> chances) { answer->set_prompt_chances(std::move(chances)); },
      .token =
          [this, answer, start](const ChosenToken& token) {
            const bool goes_on = answer->add(token);
            return goes_on && seconds_since(start) < options_.longest_answer;
          },
      .ended =
          [this, answer](bool stopped) {
            answer->finish(stopped ? "stop" : "length");
            running_.erase(answer);
          }};
}

void LiveModel::run_changes() {
  std::unique_lock lock(mutex_);
  while (!changes_.empty()) {
    Change* change = changes_.front();
    changes_.pop_front();
    lock.unlock();
    try {
      change->action(model_);
    } catch (...) {
      change->failure = std::current_exception();
    }
    lock.lock();
    change->done = true;
    changed_.notify_all();
  }
}

void LiveModel::end_all(const std::string& why) {
  for (const auto& answer : std::exchange(running_, {})) answer->fail(why);
}

}  // namespace lethe
