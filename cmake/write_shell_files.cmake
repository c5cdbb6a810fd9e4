# Runs at installation: writes the manual page and the completions of bash, zsh and fish, which the program prints
# itself. LETHE_PROGRAM and LETHE_SHARE (".../share") are set by the installation (lethe_install_shell_files).
set(shell_files
  "man|man/man1/lethe.1"
  "completion bash|bash-completion/completions/lethe"
  "completion zsh|zsh/site-functions/_lethe"
  "completion fish|fish/vendor_completions.d/lethe.fish")
foreach(entry IN LISTS shell_files)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 command)
  list(GET entry 1 file)
  separate_arguments(command)
  set(target "$ENV{DESTDIR}${LETHE_SHARE}/${file}")
  get_filename_component(folder "${target}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  execute_process(COMMAND "${LETHE_PROGRAM}" ${command} OUTPUT_FILE "${target}" COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${LETHE_SHARE}/${file}")
  message(STATUS "Installing: ${target}")
endforeach()
