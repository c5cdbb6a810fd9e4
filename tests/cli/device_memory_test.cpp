// A GPU that is full is reported as such, with what needs less memory.
#include "cli/device_memory.h"

#include <gtest/gtest.h>

namespace lethe {
namespace {

TEST(DeviceMemory, ThatIsFullIsReportedWithWhatWasWantedAndWhatToChange) {
  const Error error = out_of_device_memory(
      "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.64 GiB of which 1.20 GiB is "
      "free. Including non-PyTorch memory, this process has 22.4 GiB memory in use. If reserved but unallocated memory "
      "is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True.");
  const std::string text = error.what();
  EXPECT_EQ(error.code(), ExitCode::failed);
  EXPECT_NE(text.find("Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.64 GiB of which 1.20 GiB is free."),
            std::string::npos);
  EXPECT_EQ(text.find("PyTorch"), std::string::npos);
  for (const char* key : {"quantize=nf4", "training.recompute=true", "training.batch", "--batch", "--resume"})
    EXPECT_NE(text.find(key), std::string::npos) << key;
  EXPECT_NE(std::string(out_of_device_memory("short").what()).find("short"), std::string::npos);
}

}  // namespace
}  // namespace lethe
