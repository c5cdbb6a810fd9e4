# What goes into the Python package `lethe`: the program, its library and the recipes, beside the module of python/lethe.
# The package is a neighbour of the package `torch`, where both find LibTorch. With LETHE_PREBUILT=build nothing is
# compiled: `make wheel` packs what `make build` has made.
set(LETHE_PREBUILT "" CACHE PATH "A build folder whose program is packed")
set(program_rpath "$ORIGIN/../lib/lethe:$ORIGIN/../../torch/lib")
set(engine_rpath "$ORIGIN/../../../torch/lib")

# The module tells whoever has another torch which one to install.
file(STRINGS tools/engine.txt torch_pin REGEX "^torch==")
string(REPLACE "torch==" "" LETHE_TORCH_VERSION "${torch_pin}")
file(READ pyproject.toml metadata)
string(FIND "${metadata}" "\"torch==${LETHE_TORCH_VERSION}\"" found)
if(found EQUAL -1)
  message(FATAL_ERROR "pyproject.toml must name torch==${LETHE_TORCH_VERSION}, as tools/engine.txt does")
endif()
configure_file(python/_build.py.in ${CMAKE_BINARY_DIR}/_build.py @ONLY)

install(FILES ${CMAKE_BINARY_DIR}/_build.py DESTINATION . COMPONENT wheel)
install(DIRECTORY recipes DESTINATION share/lethe COMPONENT wheel)
if(LETHE_PREBUILT)
  add_custom_target(lethe)  # the target that pyproject.toml names: nothing to do
  install(PROGRAMS ${LETHE_PREBUILT}/lethe DESTINATION bin COMPONENT wheel)
  install(PROGRAMS ${LETHE_PREBUILT}/liblethe_engine.so DESTINATION lib/lethe COMPONENT wheel)
  # The component for several processes, where it was built.
  install(PROGRAMS ${LETHE_PREBUILT}/liblethe_gloo.so DESTINATION lib/lethe COMPONENT wheel OPTIONAL)
  # The build's own search path, which names folders of this machine, is at least as long.
  install(CODE "
    file(RPATH_SET FILE \"\${CMAKE_INSTALL_PREFIX}/bin/lethe\" NEW_RPATH [[${program_rpath}]])
    file(RPATH_SET FILE \"\${CMAKE_INSTALL_PREFIX}/lib/lethe/liblethe_engine.so\" NEW_RPATH [[${engine_rpath}]])
    set(gloo \"\${CMAKE_INSTALL_PREFIX}/lib/lethe/liblethe_gloo.so\")
    if(EXISTS \"\${gloo}\")
      file(RPATH_SET FILE \"\${gloo}\" NEW_RPATH [[${engine_rpath}]])
    endif()
  " COMPONENT wheel)
else()
  string(REPLACE ":" ";" program_rpath "${program_rpath}")
  set_target_properties(lethe PROPERTIES INSTALL_RPATH "${program_rpath}")
  set_target_properties(lethe_engine PROPERTIES INSTALL_RPATH "${engine_rpath}")
  install(TARGETS lethe RUNTIME DESTINATION bin COMPONENT wheel)
  install(TARGETS lethe_engine LIBRARY DESTINATION lib/lethe COMPONENT wheel)
endif()
include(cmake/ShellFiles.cmake)
if(LETHE_PREBUILT)
  lethe_install_shell_files("${LETHE_PREBUILT}/lethe" "${SKBUILD_DATA_DIR}/share" wheel)
else()
  lethe_install_shell_files("$<TARGET_FILE:lethe>" "${SKBUILD_DATA_DIR}/share" wheel)
endif()
