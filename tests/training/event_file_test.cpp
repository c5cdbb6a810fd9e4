// TensorBoard event files: the bytes that TensorBoard's own writer makes, and one file without repeated steps however
// often a training is resumed.
#include "training/event_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"
#include "training/loop.h"
#include "training/noise_objective.h"

namespace lethe {
namespace {

const fs::path kEventFixtures = fs::path(LETHE_FIXTURES) / "event_file";

class EventFiles : public FolderTest {
 protected:
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (is_event_file(entry.path().filename().string())) found.push_back(entry.path());
    }
    return found;
  }
  // Ten steps, or what is left of them; stops after step `stop` (0: never) as an interrupt would.
  std::vector<StepRecord> train_ten_steps(Snapshots* snapshots, std::int64_t stop = 0) const {
    at::Tensor weight = at::ones({4}).requires_grad_(true);
    AdamW optimizer({weight}, {});
    NoiseObjective objective(weight);
    std::int64_t done = 0;
    objective.before = [&](std::uint64_t micro) { done = static_cast<std::int64_t>(micro) + 1; };
    LoopOptions loop;
    loop.steps = 10;
    loop.schedule = {.kind = ScheduleKind::constant, .lr = 0.1, .warmup = 0, .steps = 10};
    loop.snapshots = snapshots;
    loop.interrupted = [&] { return done == stop; };
    loop.events = folder_;
    return train(objective, optimizer, loop, folder_ / "metrics.jsonl");
  }
};

TEST_F(EventFiles, HaveTheBytesOfTensorBoardsOwnWriter) {
  const double start = 1764522000.25;
  {
    EventFile file(folder_, start);
    std::ifstream lines(kEventFixtures / "lines.jsonl");
    double time = start;
    for (std::string text; std::getline(lines, text);) file.add(time += 1, OrderedJson::parse(text));
  }
  ASSERT_EQ(files().size(), 1U);
  EXPECT_EQ(files()[0].filename(), "events.out.tfevents.1764522000.lethe");
  EXPECT_EQ(read_file(files()[0]), read_file(kEventFixtures / "expected.tfevents"));
}

TEST_F(EventFiles, ChecksumsAreCastagnolis) {
  for (const Json& row : read_json(kEventFixtures / "checksums.json")) {
    std::string bytes;
    const auto hex = row.at("hex").get<std::string>();
    for (std::size_t i = 0; i < hex.size(); i += 2)
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    EXPECT_EQ(crc32c(bytes), row.at("crc32c").get<std::uint32_t>()) << hex;
  }
}

TEST_F(EventFiles, ReplaceTheOlderOnesAndNoOtherFile) {
  for (const char* name : {"events.out.tfevents.1.lethe", "events.out.tfevents.1.other", "metrics.jsonl"})
    write_file(folder_ / name, "x");
  const EventFile file(folder_, 5);
  EXPECT_EQ(files(), std::vector<fs::path>{folder_ / "events.out.tfevents.0000000005.lethe"});
  EXPECT_TRUE(fs::exists(folder_ / "events.out.tfevents.1.other"));
  EXPECT_TRUE(fs::exists(folder_ / "metrics.jsonl"));
}

TEST_F(EventFiles, StandBesideMetricsJsonlAndInAFolderOfTheirOwnForOtherTrainings) {
  EXPECT_EQ(events_folder("run/metrics.jsonl"), "run");
  EXPECT_EQ(events_folder("run/safe.jsonl"), "run/safe");
  EXPECT_EQ(events_folder("run/round-2.jsonl"), "run/round-2");
  EXPECT_EQ(events_folder("cells/sku-8888.metrics.jsonl"), "");
  EXPECT_EQ(events_folder(""), "");
}

// What the package tensorboard reads in a folder.
Json read_by_tensorboard(const fs::path& folder) {
  const fs::path source = fs::path(LETHE_FIXTURES) / ".." / "..";
  const std::string command = (source / ".venv-oracle/bin/python").string() + " " +
                              (source / "tests/training/read_events.py").string() + " " + folder.string() +
                              " 2> /dev/null";
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
  return ::pclose(pipe) == 0 ? parse_json(text, "read_events.py") : Json();
}

TEST_F(EventFiles, OfAResumedTrainingHoldEachStepOnceForTensorBoard) {
  fs::create_directories(folder_ / "snapshots");
  const SnapshotOptions options{.folder = folder_ / "snapshots", .steps = 3, .identity = {{"lethe", "1"}}};
  Snapshots first(options), second(options);
  EXPECT_THROW(train_ten_steps(&first, 5), Error);
  // A killed training: lines of a step after the snapshot, and half a record.
  {
    std::ofstream more(files().at(0), std::ios::app | std::ios::binary);
    more << read_file(files().at(0)).substr(0, 100);
  }
  const std::vector<StepRecord> records = train_ten_steps(&second);
  ASSERT_EQ(files().size(), 1U);
  const Json seen = read_by_tensorboard(folder_);
  if (seen.is_null()) GTEST_SKIP() << "no package tensorboard in .venv-oracle (make oracle)";
  ASSERT_TRUE(seen.contains("training/loss")) << seen.dump();
  for (const char* name : {"training/square", "training/lr", "training/grad_norm", "training/tokens"})
    EXPECT_EQ(seen.at(name).size(), 10U) << name;
  const Json& losses = seen.at("training/loss");
  ASSERT_EQ(losses.size(), 10U);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    EXPECT_EQ(losses[i][0], i + 1);
    EXPECT_FLOAT_EQ(losses[i][1].get<float>(), static_cast<float>(records[i].loss));
    EXPECT_GE(losses[i][2].get<double>(), losses[i == 0 ? 0 : i - 1][2].get<double>());
  }
}

}  // namespace
}  // namespace lethe
