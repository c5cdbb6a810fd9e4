# The engine as an imported target: LibTorch from the PyPI wheel `torch`, CPU part only.
#
# find_package(Torch) of that wheel requires a CUDA toolkit, which Lethe does not need. Only libtorch_cpu and libc10 are
# linked (0.3 s to start); libtorch_cuda is loaded at run time if there is a driver (src/tensors/device.cpp).
set(LETHE_TORCH_DIR "" CACHE PATH "The `torch` folder of the wheel (the one that holds include/ and lib/)")
if(NOT LETHE_TORCH_DIR)
  file(GLOB candidates "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(NOT candidates AND PYTHON_EXECUTABLE)  # the environment in which `pip install .` builds
    execute_process(COMMAND ${PYTHON_EXECUTABLE} -c
      "import importlib.util as i; print(*i.find_spec('torch').submodule_search_locations, sep=';')"
      OUTPUT_VARIABLE candidates OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  list(LENGTH candidates found)
  if(found EQUAL 0)
    message(FATAL_ERROR "No LibTorch found. Run `make setup`, or give -DLETHE_TORCH_DIR=<site-packages>/torch")
  endif()
  list(GET candidates 0 LETHE_TORCH_DIR)
endif()
if(NOT EXISTS "${LETHE_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "${LETHE_TORCH_DIR} holds no lib/libtorch_cpu.so: it is not the torch folder of the PyPI wheel")
endif()

# libtorch_cpu.so links to these two NVIDIA libraries even if no GPU is used. They are in wheels of their own.
file(GLOB nvidia_folders "${LETHE_TORCH_DIR}/../nvidia/*/lib")

# LibTorch brings its own OpenMP library. Our code uses the same one, so that both share their threads.
file(GLOB engine_openmp "${LETHE_TORCH_DIR}/lib/libgomp*.so*")

add_library(Lethe::torch INTERFACE IMPORTED)
set_target_properties(Lethe::torch PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${LETHE_TORCH_DIR}/include;${LETHE_TORCH_DIR}/include/torch/csrc/api/include"
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${LETHE_TORCH_DIR}/include;${LETHE_TORCH_DIR}/include/torch/csrc/api/include"
  INTERFACE_LINK_LIBRARIES "${LETHE_TORCH_DIR}/lib/libtorch_cpu.so;${LETHE_TORCH_DIR}/lib/libc10.so;${engine_openmp}")
set(link_options "-Wl,-rpath,${LETHE_TORCH_DIR}/lib")
foreach(folder IN LISTS nvidia_folders)
  list(APPEND link_options "-Wl,-rpath-link,${folder}")
endforeach()
set_target_properties(Lethe::torch PROPERTIES INTERFACE_LINK_OPTIONS "${link_options}")
