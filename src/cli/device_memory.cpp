#include "cli/device_memory.h"

#include <string>

namespace lethe {

Error out_of_device_memory(std::string_view engine) {
  // Later sentences describe LibTorch's allocator and its environment variables.
  std::size_t end = 0;
  for (int sentence = 0; sentence < 3 && end != std::string_view::npos; ++sentence) {
    end = engine.find(". ", end);
    if (end != std::string_view::npos) end += 2;
  }
  return Error("cannot go on: the GPU's memory is full")
      .found(excerpt(engine.substr(0, end), 300))
      .hint(
          "quantize=nf4 with tuning=lora, training.recompute=true, a smaller training.batch or data.max_length; "
          "--batch for answers")
      .hint("--resume continues a training from its last snapshot");
}

}  // namespace lethe
