# Rooms of the house. Headers are included as <lowtide/ROOM/NAME.h>, in the tree and after
# installation alike; ROOM/ROOM.h, where there is one, is also <lowtide/ROOM.h>.

set(LOWTIDE_INCLUDE_DIR "${PROJECT_BINARY_DIR}/include")

# lowtide_room(NAME sources...): the object library lowtide_NAME, as a part of the library lowtide.
function(lowtide_room name)
  file(MAKE_DIRECTORY "${LOWTIDE_INCLUDE_DIR}/lowtide")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${LOWTIDE_INCLUDE_DIR}/lowtide/${name}" SYMBOLIC)
  install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/lowtide/${name}"
          FILES_MATCHING PATTERN "*.h")
  set(umbrella "${CMAKE_CURRENT_SOURCE_DIR}/${name}.h")
  if(EXISTS "${umbrella}")
    file(CREATE_LINK "${umbrella}" "${LOWTIDE_INCLUDE_DIR}/lowtide/${name}.h" SYMBOLIC)
    install(FILES "${umbrella}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/lowtide")
  endif()

  set(room lowtide_${name})
  add_library(${room} OBJECT ${ARGN})
  lowtide_compile_flags(${room})
  target_include_directories(${room} PUBLIC "${LOWTIDE_INCLUDE_DIR}")
  target_link_libraries(${room} PRIVATE fmt::fmt lowtide::xsimd)
  target_sources(lowtide PRIVATE $<TARGET_OBJECTS:${room}> $<TARGET_PROPERTY:${room},INTERFACE_SOURCES>)
  set_property(GLOBAL APPEND PROPERTY LOWTIDE_ROOMS ${name})
endfunction()

# Warnings that every target of this project is compiled with.
function(lowtide_compile_flags target)
  target_compile_options(${target} PRIVATE -Wall -Wextra $<$<BOOL:${LOWTIDE_WERROR}>:-Werror>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)  # GCC bug 105651: "a" + std::string
  endif()
endfunction()

# For code that calls the library but does little itself: sanitizers most of all make optimizing it expensive.
function(lowtide_quick_to_compile target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1> $<$<CONFIG:Debug>:-O0>)
endfunction()
