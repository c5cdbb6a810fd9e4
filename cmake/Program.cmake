# The program has two parts, because loading LibTorch takes a quarter of a second and `--help`, `--version` and
# `inspect` do not need it. `lethe` holds the command line and the layers without LibTorch; liblethe_engine.so holds the
# other layers and links LibTorch. main.cpp loads this library before a command computes; until then the calls into it
# are unresolved.
set(light_layers core ranks report formats architectures jinja tokenizers prompts data recipe)
set(engine_layers web kernels tensors vectors nn models generation objectives training metrics judges evaluation benchmarks runs
    attacks demo experiments server)

# Links each layer as a whole, because the linker cannot see what one part calls in the other.
function(lethe_link_whole target)
  foreach(layer IN LISTS ARGN)
    list(APPEND archives "$<TARGET_FILE:lethe_${layer}>")
    add_dependencies(${target} lethe_${layer})
  endforeach()
  target_link_options(${target} PRIVATE "-Wl,--whole-archive" ${archives} "-Wl,--no-whole-archive")
  set_target_properties(${target} PROPERTIES LINK_DEPENDS "${archives}")
endfunction()

add_library(lethe_engine MODULE ${CMAKE_BINARY_DIR}/engine_pch.cpp)
lethe_link_whole(lethe_engine ${engine_layers})
target_link_libraries(lethe_engine PRIVATE Lethe::torch yaml-cpp ZLIB::ZLIB PkgConfig::CURL PkgConfig::CRYPTO PkgConfig::HTTPLIB ${CMAKE_DL_LIBS} Threads::Threads)
set_target_properties(lethe_engine PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_executable(lethe src/main.cpp)
lethe_link_whole(lethe ${light_layers} cli)
target_link_libraries(lethe PRIVATE lethe_options nlohmann_json::nlohmann_json CLI11::CLI11 ZLIB::ZLIB PkgConfig::PCRE2 PkgConfig::UTF8PROC
  PkgConfig::SENTENCEPIECE yaml-cpp "${LETHE_TORCH_DIR}/lib/libc10.so" ${CMAKE_DL_LIBS} Threads::Threads)
add_dependencies(lethe lethe_engine)
# GNU ld leaves unresolved calls to the loader; mold and gold would turn them into calls to address 0.
target_link_options(lethe PRIVATE -fuse-ld=bfd -Wl,-z,lazy -Wl,--unresolved-symbols=ignore-all)
set_target_properties(lethe PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} ENABLE_EXPORTS ON
  BUILD_RPATH "$ORIGIN;${LETHE_TORCH_DIR}/lib")
