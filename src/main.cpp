// The program `lethe`: everything it does is in cli/.
#include "cli/program.h"

int main(int argc, char** argv) {
  return lethe::run_program(argc, argv);
}
