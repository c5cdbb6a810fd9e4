// libFuzzer's entry point: LETHE_FUZZ_TARGET names the target that reads the bytes.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz/targets.h"

namespace {
const lethe::FuzzTarget* chosen = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("LETHE_FUZZ_TARGET");
  for (const auto& target : lethe::fuzz_targets()) {
    if (name != nullptr && target.name == name) chosen = &target;
  }
  if (chosen != nullptr) return 0;
  std::fputs("LETHE_FUZZ_TARGET must be one of:\n", stderr);
  for (const auto& target : lethe::fuzz_targets()) std::fprintf(stderr, "  %s\n", std::string(target.name).c_str());
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lethe::accepts(*chosen, {data, size});
  return 0;
}
