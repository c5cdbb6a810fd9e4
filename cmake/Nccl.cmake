# The optional component that connects ranks by NCCL, with a GPU each (components/nccl.cpp). Off by default: it needs
# the CUDA wheels (tools/setup.sh cuda) or a CUDA toolkit, of the version that LibTorch was built with.
option(LETHE_NCCL "Build the component that connects ranks by NCCL" OFF)
if(LETHE_NCCL)
  file(GLOB nvidia_headers "${LETHE_TORCH_DIR}/../nvidia/*/include")
  find_path(LETHE_NCCL_HEADERS nccl.h HINTS ${nvidia_headers} /usr/local/cuda/include REQUIRED)
  find_path(LETHE_CUDA_HEADERS cuda_runtime_api.h HINTS ${nvidia_headers} /usr/local/cuda/include REQUIRED)
  add_library(lethe_nccl MODULE components/nccl.cpp)
  target_link_libraries(lethe_nccl PRIVATE lethe_options Lethe::torch "${LETHE_TORCH_DIR}/lib/libtorch_cuda.so"
    "${LETHE_TORCH_DIR}/lib/libc10_cuda.so")
  target_include_directories(lethe_nccl SYSTEM PRIVATE "${LETHE_NCCL_HEADERS}" "${LETHE_CUDA_HEADERS}")
  set_target_properties(lethe_nccl PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
    BUILD_RPATH "${LETHE_TORCH_DIR}/lib" INSTALL_RPATH "${LETHE_TORCH_DIR}/lib" CXX_VISIBILITY_PRESET hidden)
  install(TARGETS lethe_nccl LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lethe)
endif()
