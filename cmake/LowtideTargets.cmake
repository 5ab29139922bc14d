# Rooms of the house: one object library a folder, warnings as errors, headers under <lowtide/...>.

set(LOWTIDE_FORWARD_DIR "${CMAKE_BINARY_DIR}/include")

# Makes <lowtide/FOLDER/...> and, where there is one, the umbrella <lowtide/FOLDER.h> reachable.
function(lowtide_forward_headers folder)
  file(MAKE_DIRECTORY "${LOWTIDE_FORWARD_DIR}/lowtide")
  file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${folder}" "${LOWTIDE_FORWARD_DIR}/lowtide/${folder}" SYMBOLIC)
  if(EXISTS "${PROJECT_SOURCE_DIR}/${folder}/${folder}.h")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${folder}/${folder}.h" "${LOWTIDE_FORWARD_DIR}/lowtide/${folder}.h" SYMBOLIC)
  endif()
endfunction()

# Flags that every target of this project is compiled with.
function(lowtide_compile_flags target)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
  if(LOWTIDE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(LOWTIDE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LOWTIDE_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${LOWTIDE_SANITIZE})
  endif()
endfunction()

# lowtide_room(NAME sources...): the object library lowtide_NAME.
function(lowtide_room name)
  add_library(lowtide_${name} OBJECT ${ARGN})
  lowtide_compile_flags(lowtide_${name})
  target_include_directories(lowtide_${name} PUBLIC "${LOWTIDE_FORWARD_DIR}")
  target_link_libraries(lowtide_${name} PRIVATE fmt::fmt)
  lowtide_system_includes(lowtide_${name} xsimd)
endfunction()

# The headers of a library as system headers: no warnings of ours from them.
function(lowtide_system_includes target library)
  target_include_directories(${target} SYSTEM PRIVATE $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
endfunction()
