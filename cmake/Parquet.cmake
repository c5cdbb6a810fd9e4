# The optional Parquet component: a separate library that is loaded when a .parquet file is read. Apache Arrow (headers
# and libraries) comes from the PyPI wheel pyarrow, which `make parquet` installs; Debian 12 has no package of it.
set(LETHE_ARROW_DIR "" CACHE PATH "The `pyarrow` folder of the wheel; empty: .venv-parquet's, if it is there")
set(arrow_dir "${LETHE_ARROW_DIR}")
if(NOT arrow_dir)
  file(GLOB arrow_dir "${CMAKE_SOURCE_DIR}/.venv-parquet/lib/python3*/site-packages/pyarrow")
endif()
if(arrow_dir)
  file(GLOB arrow_libraries "${arrow_dir}/libarrow.so.*" "${arrow_dir}/libparquet.so.*")
  add_library(lethe_parquet MODULE components/parquet.cpp)
  target_link_libraries(lethe_parquet PRIVATE lethe_options ${arrow_libraries})
  target_include_directories(lethe_parquet SYSTEM PRIVATE "${arrow_dir}/include")
  set_target_properties(lethe_parquet PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} BUILD_RPATH "${arrow_dir}"
    INSTALL_RPATH "${arrow_dir}" CXX_VISIBILITY_PRESET hidden)
  install(TARGETS lethe_parquet LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lethe)
  message(STATUS "Parquet component: ${arrow_dir}")
else()
  message(STATUS "Parquet component: not built (make parquet installs what it needs)")
endif()
