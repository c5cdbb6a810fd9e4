# lethe_layer(NAME LINK targets… [TORCH]): the library lethe_NAME from src/NAME/*.cpp.
# A layer with TORCH may include LibTorch's headers. These layers share one precompiled header.
add_library(lethe_options INTERFACE)
target_include_directories(lethe_options INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/lethe>)
target_compile_options(lethe_options INTERFACE $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra>
  $<BUILD_INTERFACE:-Wno-missing-field-initializers>
  # g++ 12 warns about its own std::string after inlining (GCC bug 105651)
  $<BUILD_INTERFACE:-Wno-restrict> $<BUILD_INTERFACE:-Wno-stringop-overflow> $<BUILD_INTERFACE:-Wno-array-bounds> $<BUILD_INTERFACE:-Wno-maybe-uninitialized>)
if(LETHE_WERROR)
  target_compile_options(lethe_options INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
if(LETHE_SANITIZE)
  add_compile_options(-fsanitize=${LETHE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LETHE_SANITIZE})
endif()

# A small library whose precompiled LibTorch header all TORCH layers and tests reuse.
file(WRITE ${CMAKE_BINARY_DIR}/engine_pch.cpp.in "// Compiled once, so that the engine's headers are parsed once.\n")
configure_file(${CMAKE_BINARY_DIR}/engine_pch.cpp.in ${CMAKE_BINARY_DIR}/engine_pch.cpp COPYONLY)
add_library(lethe_engine_pch OBJECT ${CMAKE_BINARY_DIR}/engine_pch.cpp)
target_link_libraries(lethe_engine_pch PRIVATE lethe_options Lethe::torch)
target_precompile_headers(lethe_engine_pch PRIVATE
  <ATen/ATen.h> <torch/csrc/autograd/custom_function.h> <nlohmann/json.hpp> <string> <vector> <map>)

function(lethe_layer name)
  cmake_parse_arguments(LAYER "TORCH" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp ${CMAKE_SOURCE_DIR}/src/${name}/*.S)
  if(sources)
    add_library(lethe_${name} STATIC ${sources})
    target_link_libraries(lethe_${name} PUBLIC lethe_options ${LAYER_LINK})
    set_target_properties(lethe_${name} PROPERTIES UNITY_BUILD ${LETHE_UNITY} UNITY_BUILD_BATCH_SIZE 6)
    if(LAYER_TORCH)
      target_link_libraries(lethe_${name} PUBLIC Lethe::torch)
      target_precompile_headers(lethe_${name} REUSE_FROM lethe_engine_pch)
    endif()
    set_property(GLOBAL APPEND PROPERTY LETHE_LAYERS lethe_${name})
  else()  # a layer without sources
    add_library(lethe_${name} INTERFACE)
    target_link_libraries(lethe_${name} INTERFACE lethe_options ${LAYER_LINK})
  endif()
endfunction()

# lethe_assets(FILE.S GLOB…): FILE.S embeds these files (src/core/asset.inc), and is assembled again when one changes.
function(lethe_assets assembly)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/)
  file(GLOB files CONFIGURE_DEPENDS ${ARGN})
  set_source_files_properties(${assembly} PROPERTIES COMPILE_OPTIONS "-Wa,-I${CMAKE_SOURCE_DIR}"
    OBJECT_DEPENDS "${files};${CMAKE_SOURCE_DIR}/src/core/asset.inc")
endfunction()
