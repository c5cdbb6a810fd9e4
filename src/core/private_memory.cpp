#include "core/private_memory.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace lethe {

void keep_memory_private() noexcept {
  // A limit of 0 alone does not prevent a core dump that is piped to a program.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const struct rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace lethe
