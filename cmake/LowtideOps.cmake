# lowtide_add_ops(TARGET files...) adds files that define ops to a target: compiled for the baseline
# instruction set, and on x86-64 once more for AVX2 (v3) and AVX-512 (v4), of which the best is chosen
# at run time. The copies see LOWTIDE_SIMD_LEVEL=v3 or v4; the baseline copy sees LOWTIDE_SIMD_VARIANTS
# where there are others to choose from. It may be called any number of times for a target.
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
  set(levels base)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    list(APPEND levels v3 v4)
  endif()
  foreach(level IN LISTS levels)
    set(ops ${target}_ops_${level})
    if(NOT TARGET ${ops})
      lowtide_ops_library_(${target} ${ops})
      if(level STREQUAL "base")
        if("v3" IN_LIST levels)
          target_compile_definitions(${ops} PRIVATE LOWTIDE_SIMD_VARIANTS)
        endif()
      else()
        target_compile_definitions(${ops} PRIVATE LOWTIDE_SIMD_LEVEL=${level})
        target_compile_options(${ops} PRIVATE -march=x86-64-${level})
        set_property(GLOBAL APPEND PROPERTY LOWTIDE_SIMD_LIBRARIES ${ops})  # for a test of their symbols
      endif()
    endif()
    target_sources(${ops} PRIVATE ${ARGN})
  endforeach()
endfunction()

# An object library that is compiled as `target` is, and becomes part of it.
function(lowtide_ops_library_ target ops)
  add_library(${ops} OBJECT)
  get_target_property(type ${target} TYPE)
  set(scope PRIVATE)
  if(type STREQUAL "OBJECT_LIBRARY")  # cannot hold objects of others, but can pass them on
    set(scope INTERFACE)
  endif()
  target_sources(${target} ${scope} $<TARGET_OBJECTS:${ops}>)
  foreach(property CXX_STANDARD CXX_STANDARD_REQUIRED CXX_EXTENSIONS POSITION_INDEPENDENT_CODE)
    get_target_property(value ${target} ${property})
    if(NOT value STREQUAL "value-NOTFOUND")
      set_property(TARGET ${ops} PROPERTY ${property} ${value})
    endif()
  endforeach()
  if(type MATCHES "SHARED|MODULE")
    set_property(TARGET ${ops} PROPERTY POSITION_INDEPENDENT_CODE ON)
  endif()
  target_link_libraries(${ops} PRIVATE $<TARGET_PROPERTY:${target},LINK_LIBRARIES> lowtide::xsimd)
  target_include_directories(${ops} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
  target_compile_definitions(${ops} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>)
  target_compile_options(${ops} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_OPTIONS>)
endfunction()
