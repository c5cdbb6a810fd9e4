# cmake --install: the program, the layer libraries, the headers, the recipes and a CMake package `lethe`.
# LibTorch is not installed: the program finds it where it was at build time (RPATH), and users of the package set
# LETHE_TORCH_DIR.
include(CMakePackageConfigHelpers)
get_property(layers GLOBAL PROPERTY LETHE_LAYERS)
set_target_properties(lethe PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/lethe;${LETHE_TORCH_DIR}/lib" EXPORT_NAME program)
set_target_properties(lethe_engine PROPERTIES INSTALL_RPATH "${LETHE_TORCH_DIR}/lib")

install(TARGETS lethe RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS lethe_engine LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lethe)
install(TARGETS ${layers} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/lethe)
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lethe FILES_MATCHING PATTERN "*.h")
install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/lethe)
include(cmake/ShellFiles.cmake)
lethe_install_shell_files("$<TARGET_FILE:lethe>" "\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}" Unspecified)
set(LETHE_LAYER_NAMES ${layers})
configure_package_config_file(cmake/LetheConfig.cmake.in ${CMAKE_BINARY_DIR}/LetheConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Lethe
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/LetheConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/LetheConfig.cmake ${CMAKE_BINARY_DIR}/LetheConfigVersion.cmake cmake/Engine.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Lethe)
