# cmake --install: the program, the layer libraries, the headers, the recipes and a CMake package.
# (filled in with the first release: see below)
