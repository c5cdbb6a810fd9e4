// lethe chat: talks to a model, token by token. With a chat template the turns form one conversation.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <iostream>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/file_writer.h"
#include "core/interrupt.h"
#include "core/plain_text.h"
#include "core/terminal.h"
#include "tokenizers/text_stream.h"

namespace lethe {
namespace {

struct ChatOptions {
  ModelOptions model;
  GenerationOptions generation;
  std::string output;
};

struct ChatAnswer {
  std::string text, finish;  // finish: stop, length, or interrupted
};

// Reads lines from standard input. Unlike a stream's getline(), it notices Ctrl-C while the user types nothing.
class TypedLines {
 public:
  // Waits for a line. Returns false at the end of the input; the last line may lack a line break. Throws an Error if
  // the program must stop. With `typed`, the first Ctrl-C does not end the wait, and a second one ends the program.
  bool next(std::string& line, bool typed) {
    for (bool pressed = false;;) {
      const std::size_t end = text_.find('\n');
      if (end != std::string::npos || ended_) {
        const bool found = !text_.empty();
        line = text_.substr(0, end);
        text_.erase(0, end == std::string::npos ? end : end + 1);
        return found;
      }
      struct pollfd wait {
        STDIN_FILENO, POLLIN, 0
      };
      if (::poll(&wait, 1, 100) > 0) read_more();  // milliseconds
      if (typed && !pressed && take_interrupt()) pressed = true;
      stop_if_interrupted();
    }
  }

 private:
  void read_more() {
    std::array<char, 4096> piece;
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got > 0) text_.append(piece.data(), static_cast<std::size_t>(got));
    // A closed terminal also ends the input.
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) ended_ = true;
  }

  std::string text_;  // read, not yet taken
  bool ended_ = false;
};

class Conversation {
 public:
  explicit Conversation(ChatOptions& options)
      : options_(options),
        layout_(open_template(options.model)),
        opened_(open_model(options.model)),
        tokenizer_(Tokenizer::load(opened_.folder)),
        live_(isatty(STDIN_FILENO) != 0) {
    if (!options.output.empty()) log_ = std::make_unique<FileWriter>(options.output);
  }

  // Keeps the conversation also after an interrupt or an error.
  ~Conversation() {
    try {
      if (log_) log_->close();
    } catch (const Error& error) {
      warn(error.what());
    }
  }
  Conversation(const Conversation&) = delete;

  void run() {
    if (live_) say("/help lists the commands; Ctrl-C stops an answer, Ctrl-D ends");
    std::string line;
    for (;;) {
      if (live_) std::cout << "> " << std::flush;
      if (!lines_.next(line, live_)) break;
      if (line.empty()) continue;
      if (line[0] == '/' && !line.starts_with("//")) {
        if (!command(line)) break;
        continue;
      }
      ask(line.starts_with("//") ? line.substr(1) : line);
    }
    if (live_) std::cout << std::endl;
    if (log_) log_->close();
    log_.reset();
  }

 private:
  // Runs a command such as /reset. Returns whether the conversation continues.
  bool command(const std::string& line) {
    if (line == "/quit" || line == "/exit") return false;
    if (line == "/reset") {
      say(converses() ? "a new conversation" : "each prompt is answered on its own: there is no conversation to reset");
      before_.clear();
    } else if (line == "/help") {
      say("/reset  begins a new conversation\n/quit   ends (so does Ctrl-D)\n//…     a prompt that begins with /");
    } else {
      say("no such command: " + excerpt(line) + "; /help lists the commands");
    }
    return true;
  }

  void ask(const std::string& prompt) {
    ChatAnswer answer;
    try {
      answer = stream(prompt);
    } catch (const Error& error) {
      if (!live_ || error.code() != ExitCode::bad_input) throw;
      say(std::string(error.what()) + "\n  try  /reset, or a shorter prompt");
      return;
    }
    if (!log_) return;
    log_->write(dump_json(OrderedJson{
                    {"turn", turn_}, {"prompt", prompt}, {"response", answer.text}, {"finish", answer.finish}}) +
                "\n");
  }

  // Prints a piece of an answer. Without a terminal, an answer is one line.
  void show(const std::string& piece) const {
    std::cout << (live_ ? terminal_text(piece) : excerpt(piece, piece.size())) << std::flush;
  }

  ChatAnswer stream(const std::string& prompt) {
    const std::vector<std::vector<int>> rows = {prompt_ids(tokenizer_, layout_.get(), prompt, before_)};
    GenerationOptions generation = options_.generation;
    generation.stop_ids = opened_.stop_ids;
    generation.seed = options_.model.shared.seed + turn_++;
    ChatAnswer answer;
    TextStream text(tokenizer_);
    const auto take = [&](const std::string& piece) {
      answer.text += piece;
      show(piece);
    };
    generation.token = [&](std::size_t, int token) {
      take(text.add(token));
      return !interrupted();
    };
    const std::vector<Generated> answers = generate(opened_.model, rows, generation);
    take(text.finish());
    answer.finish = answers[0].stopped ? "stop" : "length";
    if (interrupted()) answer.finish = "interrupted";
    if (converses()) before_.insert(before_.end(), {{"user", prompt}, {"assistant", answer.text}});
    std::cout << std::endl;
    if (live_) take_interrupt();
    stop_if_interrupted();
    return answer;
  }

  bool converses() const { return layout_ != nullptr && layout_->is_chat(); }

  ChatOptions& options_;
  std::unique_ptr<Template> layout_;
  OpenModel opened_;
  Tokenizer tokenizer_;
  bool live_;
  TypedLines lines_;
  std::unique_ptr<FileWriter> log_;
  std::uint64_t turn_ = 0;
  std::vector<ChatMessage> before_;  // earlier turns; only with a chat template
};

}  // namespace

void add_chat(CLI::App& program, Action& action) {
  auto options = std::make_shared<ChatOptions>();
  auto* command = program.add_subcommand("chat", "Talk to a model");
  add_model_options(*command, options->model);
  add_generation_options(*command, options->generation);
  command->add_option("--output", options->output,
                      "Also write the conversation to this file, one JSON object for each turn");
  command->footer(
      "Example: lethe chat --model runs/qwen/model --temperature 0.7\n"
      "/help, /reset, /quit; Ctrl-C stops an answer (twice: the program). Without a terminal: a prompt a line, an "
      "answer "
      "a line.");
  command->callback([options, &action] { action = [options] { Conversation(*options).run(); }; });
}

}  // namespace lethe
