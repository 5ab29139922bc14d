# The installed package: the library, lowtideConfig.cmake with lowtide_add_ops, and lowtide.pc.
# Nothing in it names the prefix, so that it can be moved.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/lowtide")

install(TARGETS lowtide EXPORT lowtideTargets)
install(EXPORT lowtideTargets NAMESPACE lowtide:: DESTINATION "${package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/lowtideConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/lowtideConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/lowtideConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/lowtideConfig.cmake" "${PROJECT_BINARY_DIR}/lowtideConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/LowtideOps.cmake" "${CMAKE_CURRENT_LIST_DIR}/FindOpenBLAS.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindHDF5Serial.cmake"
        DESTINATION "${package_dir}")

file(RELATIVE_PATH LOWTIDE_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" LOWTIDE_PC_PREFIX "${LOWTIDE_PC_PREFIX}")
set(LOWTIDE_PC_REQUIRES "")
set(LOWTIDE_PC_LIBRARY -llowtide)
if(NOT BUILD_SHARED_LIBS)
  set(LOWTIDE_PC_LIBRARY "-Wl,--whole-archive -llowtide -Wl,--no-whole-archive")
  set(LOWTIDE_PC_REQUIRES "fmt lapacke openblas hdf5 zlib")
  if(LOWTIDE_PARALLEL STREQUAL "tbb")
    string(APPEND LOWTIDE_PC_REQUIRES " tbb")
  endif()
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/lowtide.pc.in" "${PROJECT_BINARY_DIR}/lowtide.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/lowtide.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
