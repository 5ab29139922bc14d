# OpenBLAS with LAPACKE as the target lowtide::openblas. The pthread or the serial flavour will do;
# the OpenMP flavour ignores the thread limit that lowtide sets and is refused at run time.
find_path(OPENBLAS_INCLUDE_DIR cblas.h
          PATH_SUFFIXES x86_64-linux-gnu/openblas-pthread openblas-pthread openblas-serial openblas)
find_library(OPENBLAS_LIBRARY openblas
             PATH_SUFFIXES x86_64-linux-gnu/openblas-pthread openblas-pthread openblas-serial)
find_path(LAPACKE_INCLUDE_DIR lapacke.h)
find_library(LAPACKE_LIBRARY lapacke)
if(NOT OPENBLAS_INCLUDE_DIR OR NOT OPENBLAS_LIBRARY OR NOT LAPACKE_INCLUDE_DIR OR NOT LAPACKE_LIBRARY)
  message(FATAL_ERROR "OpenBLAS or LAPACKE not found: install libopenblas-pthread-dev and liblapacke-dev")
endif()
if(NOT TARGET lowtide::openblas)
  add_library(lowtide::openblas INTERFACE IMPORTED)
  target_include_directories(lowtide::openblas INTERFACE "${OPENBLAS_INCLUDE_DIR}" "${LAPACKE_INCLUDE_DIR}")
  target_link_libraries(lowtide::openblas INTERFACE "${LAPACKE_LIBRARY}" "${OPENBLAS_LIBRARY}")
endif()
