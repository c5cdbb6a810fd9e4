// The program `lethe`: everything it does is in cli/. The layers that see tensors stand in a library of their own,
// which is loaded when a command needs them (cmake/Program.cmake).
#include <dlfcn.h>

#include <cstdlib>

#include "cli/engine.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/standard_output.h"

namespace {

// Global, so that the program's own calls find it; lazy, so that a call is looked up when it is made.
void load_engine() {
  // OpenMP reads this as it is loaded with the engine. A thread that waits spins a moment, for the next piece of work
  // is near, and then sleeps: where another process wants the core, two that spin on take minutes for what takes a
  // second.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "5000", 0);
  // oneDNN keeps what it compiled for each shape, two megabytes a shape. Packs hardly ever have the same number of
  // tokens twice, so that the thousand entries it keeps by itself would be gigabytes; compiling costs nothing
  // measurable.
  setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "1", 0);
  setenv("LRU_CACHE_CAPACITY", "4", 0);  // the same of what the engine keeps before oneDNN
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
