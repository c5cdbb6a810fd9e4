# The optional component that connects several processes: a separate library that is loaded when a run has more than one.
# gloo's code is part of LibTorch; its headers are not, and come from Debian's libgloo-dev.
find_path(LETHE_GLOO_HEADERS gloo/algorithm.h DOC "The folder that holds gloo/algorithm.h")
if(LETHE_GLOO_HEADERS)
  add_library(lethe_gloo MODULE components/gloo.cpp)
  target_link_libraries(lethe_gloo PRIVATE lethe_options Lethe::torch)
  target_include_directories(lethe_gloo SYSTEM PRIVATE "${LETHE_GLOO_HEADERS}")
  set_target_properties(lethe_gloo PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
    BUILD_RPATH "${LETHE_TORCH_DIR}/lib" INSTALL_RPATH "${LETHE_TORCH_DIR}/lib" CXX_VISIBILITY_PRESET hidden)
  install(TARGETS lethe_gloo LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lethe)
  add_dependencies(lethe lethe_gloo)
else()
  message(STATUS "Component for several processes: not built (apt-get install libgloo-dev)")
endif()
