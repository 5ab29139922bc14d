# lowtide_add_ops(TARGET files...) adds files that define ops, or laws, to a target: compiled as they are, and on
# x86-64 once more for AVX2 (v3) and AVX-512 (v4), of which the best is chosen at run time. These copies
# see LOWTIDE_SIMD_LEVEL=v3 or v4; the first sees LOWTIDE_SIMD_VARIANTS where there are others to
# choose from. It may be called any number of times for a target.
#
# The installed package brings this function too: an op outside the library is as fast as one inside.

# The headers of xsimd alone: the target that Debian installs also wants a library that does not exist.
find_path(LOWTIDE_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp REQUIRED)
mark_as_advanced(LOWTIDE_XSIMD_INCLUDE_DIR)
if(NOT TARGET lowtide::xsimd)
  add_library(lowtide::xsimd INTERFACE IMPORTED)
  target_include_directories(lowtide::xsimd INTERFACE "${LOWTIDE_XSIMD_INCLUDE_DIR}")
endif()

function(lowtide_add_ops target)
  target_sources(${target} PRIVATE ${ARGN})
  set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS  # xsimd converts NaN to an integer and drops it
    $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=float-cast-overflow>)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    return()
  endif()
  target_compile_definitions(${target} PRIVATE LOWTIDE_SIMD_VARIANTS)
  foreach(level v3 v4)
    if(NOT TARGET ${target}_ops_${level})
      lowtide_ops_variant_(${target} ${target}_ops_${level} ${level})
    endif()
    target_sources(${target}_ops_${level} PRIVATE ${ARGN})
  endforeach()
endfunction()

# An object library that is compiled as `target` is, but for a newer processor, and becomes part of it.
function(lowtide_ops_variant_ target variant level)
  add_library(${variant} OBJECT)
  set_property(GLOBAL APPEND PROPERTY LOWTIDE_SIMD_LIBRARIES ${variant})  # for the test of their symbols
  get_target_property(type ${target} TYPE)
  set(scope PRIVATE)
  if(type STREQUAL "OBJECT_LIBRARY")  # cannot hold objects of others, but can pass them on
    set(scope INTERFACE)
  endif()
  target_sources(${target} ${scope} $<TARGET_OBJECTS:${variant}>)

  foreach(property CXX_STANDARD CXX_STANDARD_REQUIRED CXX_EXTENSIONS POSITION_INDEPENDENT_CODE)
    get_target_property(value ${target} ${property})
    if(NOT value MATCHES "-NOTFOUND$")
      set_property(TARGET ${variant} PROPERTY ${property} ${value})
    endif()
  endforeach()
  if(type MATCHES "SHARED|MODULE")
    set_property(TARGET ${variant} PROPERTY POSITION_INDEPENDENT_CODE ON)
  endif()
  target_link_libraries(${variant} PRIVATE $<TARGET_PROPERTY:${target},LINK_LIBRARIES> lowtide::xsimd)
  target_include_directories(${variant} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
  target_compile_options(${variant} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_OPTIONS> -march=x86-64-${level}
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized -Wno-maybe-uninitialized>  # GCC bug 105593: its own intrinsics
    $<$<CXX_COMPILER_ID:Clang>:-Wno-unused-const-variable>  # an op's name and domain: the first copy uses them
    $<$<CONFIG:Debug>:-O2>)  # or the standard library's inline functions stay, shared with code for older processors
  target_compile_definitions(${variant} PRIVATE
    $<FILTER:$<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>,EXCLUDE,^LOWTIDE_SIMD_VARIANTS$>
    LOWTIDE_SIMD_LEVEL=${level}
    xsimd=xsimd_${level})  # it has inline functions without the processor in their names: one copy a level
endfunction()
