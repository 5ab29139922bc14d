# Installs lowtide, moves the installation elsewhere, and builds and runs tests/consumer against it:
# with CMake, and with pkg-config where that exists.
set(work "${build}/consumer")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "${command}\n${output}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${build}" --prefix "${work}/first")
file(RENAME "${work}/first" "${work}/prefix")

foreach(room IN LISTS rooms)
  file(GLOB_RECURSE headers RELATIVE "${source}" "${source}/${room}/*.h")
  foreach(header IN LISTS headers)
    if(NOT EXISTS "${work}/prefix/include/lowtide/${header}")
      message(FATAL_ERROR "not installed: <lowtide/${header}>")
    endif()
  endforeach()
endforeach()

run("${work}/prefix/bin/lowtide" list)
run("${python}" "${source}/tests/docs/extract.py" "${source}/docs/extend-autodiff.md" "${work}/page")
run("${CMAKE_COMMAND}" -S "${source}/tests/consumer" -B "${work}/build" -G "${generator}"
    "-DCMAKE_PREFIX_PATH=${work}/prefix" "-DCMAKE_CXX_COMPILER=${compiler}" "-DCMAKE_CXX_FLAGS=${flags}"
    -DCMAKE_BUILD_TYPE=Release "-DPAGE=${work}/page")
run("${CMAKE_COMMAND}" --build "${work}/build")
run("${work}/build/consumer")
run("${work}/build/my_ops")

# The project that docs/first-driver.md prints.
set(ENV{CMAKE_GENERATOR} "${generator}")
set(ENV{CXX} "${compiler}")
set(ENV{CXXFLAGS} "${flags}")
run("${python}" "${source}/tests/consumer/first_driver.py" "${source}/docs/first-driver.md" "${work}/prefix")

find_program(pkg_config pkg-config)
if(pkg_config)
  set(ENV{PKG_CONFIG_PATH} "${work}/prefix/${libdir}/pkgconfig")
  execute_process(COMMAND "${pkg_config}" --cflags --libs lowtide OUTPUT_VARIABLE found
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(found UNIX_COMMAND "${found}")
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run("${compiler}" -std=c++20 ${flags} "${source}/tests/consumer/main.cpp"
      "${source}/tests/consumer/gaussian.cpp" -o "${work}/plain" ${found})
  set(ENV{LD_LIBRARY_PATH} "${work}/prefix/${libdir}")
  run("${work}/plain")
endif()
