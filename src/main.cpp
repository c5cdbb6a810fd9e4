// The program `lethe`; cli/ holds the commands. The layers that use LibTorch are in a separate library, which is loaded
// when a command needs them (cmake/Program.cmake).
#include <dlfcn.h>

#include <cstdlib>

#include "cli/engine.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/standard_output.h"

namespace {

// RTLD_GLOBAL, so that the program's calls find the library; RTLD_LAZY, so that each call is resolved when it is made.
void load_engine() {
  // OpenMP reads this when it is loaded with the engine. A waiting thread then spins only for a moment before it
  // sleeps. If another process uses the core, threads that keep spinning take minutes for the work of a second.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "5000", 0);
  // oneDNN caches compiled code for each shape, two megabytes each, a thousand by default. Packs hardly ever have the
  // same number of tokens twice, so the cache would grow to gigabytes without use; compiling takes no measurable time.
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "1", 0);
  setenv("LRU_CACHE_CAPACITY", "4", 0);  // the same for LibTorch's own cache of oneDNN primitives
  // Packs hardly ever have the same size twice. Segments that grow keep the memory of a GPU in few pieces.
  if (std::getenv("PYTORCH_ALLOC_CONF") == nullptr) setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", 0);
  if (dlopen("liblethe_engine.so", RTLD_LAZY | RTLD_GLOBAL) != nullptr) return;
  throw lethe::Error("cannot load the engine")
      .with("reason", dlerror())
      .hint(
          "liblethe_engine.so belongs beside the program or in ../lib/lethe, and LibTorch where it was when Lethe was "
          "built; otherwise set LD_LIBRARY_PATH");
}

}  // namespace

int main(int argc, char** argv) {
  lethe::open_standard_streams();
  lethe::set_engine_loader(load_engine);
  return lethe::run_program(argc, argv);
}
