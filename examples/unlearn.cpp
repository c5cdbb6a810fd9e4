// Lethe as a library: makes a model forget pairs of harmful prompts and answers, and watches the job while it runs.
//
//     unlearn MODEL HARMFUL.jsonl NORMAL.jsonl OUT [key=value …]
//
// MODEL is a checkpoint folder. OUT becomes a run folder with the unlearned model, results.json and report.html. Keys
// are those of a recipe (docs/recipe.md).
#include "runs/unlearn.h"

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "attacks/run_attacks.h"
#include "core/error.h"
#include "core/messages.h"
#include "core/plain_text.h"
#include "recipe/recipe.h"

namespace {

/// Prints each piece of work when it ends.
class Work : public lethe::ProgressDisplay {
 public:
  Work(std::string title, std::string unit) : title_(std::move(title)), unit_(std::move(unit)) {}
  ~Work() override {
    std::printf("%s: %llu %s %s\n", title_.c_str(), static_cast<unsigned long long>(done_), unit_.c_str(),
                note_.c_str());
  }
  void update(std::uint64_t done, const std::string& note) override {
    done_ = done;
    note_ = note;
  }

 private:
  std::string title_, unit_, note_;
  std::uint64_t done_ = 0;
};

/// Receives everything that a job reports; the library itself prints nothing. This one drops messages and keeps
/// warnings.
class Watcher : public lethe::Observer {
 public:
  void warning(const std::string& text) override { warnings.push_back(lethe::terminal_text(text)); }
  void result(const std::string& text) override { std::printf("%s", text.c_str()); }
  std::unique_ptr<lethe::ProgressDisplay> progress(const std::string& title, std::uint64_t /*total*/,
                                                   const std::string& unit) override {
    return std::make_unique<Work>(title, unit);
  }
  std::vector<std::string> warnings;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: %s MODEL HARMFUL.jsonl NORMAL.jsonl OUT [key=value …]\n", argv[0]);
    return 2;
  }
  Watcher watcher;
  lethe::set_observer(&watcher);
  try {
    std::vector<std::string> settings = {"model=" + std::string(argv[1]), "data.harmful=" + std::string(argv[2]),
                                         "data.normal=" + std::string(argv[3]), "out=" + std::string(argv[4])};
    settings.insert(settings.end(), argv + 5, argv + argc);
    lethe::unlearn(lethe::load_recipe("", settings), /*resume=*/false, /*dry_run=*/{}, lethe::attacks_on_runs());
  } catch (const lethe::Error& error) {  // says what was being done, on what, and what to do
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::printf("done: %s, %zu warnings\n", argv[4], watcher.warnings.size());
  return 0;
}
