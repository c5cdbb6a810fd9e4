# Installs the manual page and the shells' completions below `share`. @param program  to run at installation
function(lethe_install_shell_files program share component)
  install(CODE "
    set(LETHE_PROGRAM \"${program}\")
    set(LETHE_SHARE \"${share}\")
  " COMPONENT ${component})
  install(SCRIPT ${CMAKE_CURRENT_SOURCE_DIR}/cmake/write_shell_files.cmake COMPONENT ${component})
endfunction()
