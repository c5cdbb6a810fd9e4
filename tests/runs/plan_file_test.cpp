// Cells and points of other settings, or of another version, are not mixed with new ones.
#include "runs/plan_file.h"

#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

using PlanFile = FolderTest;

TEST_F(PlanFile, IsTheFoldersOwnOrRefusedByWhatDiffers) {
  const std::string plan = "{\"lethe\": \"" LETHE_VERSION "\", \"seed\": 1}\n";
  EXPECT_FALSE(holds_plan(folder_, plan, "cells"));
  write_plan(folder_, plan);
  EXPECT_TRUE(holds_plan(folder_, plan, "cells"));
  const std::string other = "{\"lethe\": \"" LETHE_VERSION "\", \"seed\": 2}\n";
  EXPECT_NE(refusal_of([&] { holds_plan(folder_, other, "cells"); }).find("cells of others"), std::string::npos);
  write_plan(folder_, "{\"lethe\": \"0.0.1\", \"seed\": 1}\n");
  EXPECT_NE(refusal_of([&] { holds_plan(folder_, plan, "points"); }).find("points of lethe 0.0.1"), std::string::npos);
  write_plan(folder_, "{\"lethe\": ");
  EXPECT_NE(refusal_of([&] { holds_plan(folder_, plan, "points"); }).find("plan.json"), std::string::npos);
}

}  // namespace
}  // namespace lethe
