# Writes the commit that `source` is at, with "-dirty" if there are changes, to the header `output`. Empty without git,
# or if the folder is a part of somebody else's repository.
cmake_minimum_required(VERSION 3.22)
set(commit "")
find_program(GIT git)
if(GIT)
  set(git "${GIT}" --no-optional-locks -C "${source}")
  execute_process(COMMAND ${git} rev-parse --show-toplevel OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(REAL_PATH "${source}" here)
  if(top STREQUAL here)
    execute_process(COMMAND ${git} describe --always --dirty --abbrev=12 --exclude=*
                    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
file(CONFIGURE OUTPUT "${output}" CONTENT "#define LOWTIDE_GIT \"@commit@\"\n" @ONLY)
