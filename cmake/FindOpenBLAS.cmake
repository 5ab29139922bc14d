# OpenBLAS and LAPACKE as the target lowtide::openblas. The pthread or the serial flavour will do,
# and is looked for first; the OpenMP flavour ignores the thread limit that lowtide sets.
set(flavours openblas-pthread openblas-serial openblas)
find_path(OPENBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES ${flavours})
find_library(OPENBLAS_LIBRARY openblas PATH_SUFFIXES ${flavours})
find_path(LAPACKE_INCLUDE_DIR lapacke.h PATH_SUFFIXES ${flavours})
find_library(LAPACKE_LIBRARY NAMES lapacke openblas)  # Debian packs LAPACKE apart, others inside OpenBLAS
mark_as_advanced(OPENBLAS_INCLUDE_DIR OPENBLAS_LIBRARY LAPACKE_INCLUDE_DIR LAPACKE_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLAS
  REQUIRED_VARS OPENBLAS_LIBRARY OPENBLAS_INCLUDE_DIR LAPACKE_LIBRARY LAPACKE_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "(on Debian and Ubuntu: libopenblas-pthread-dev and liblapacke-dev)")
if(OpenBLAS_FOUND AND NOT TARGET lowtide::openblas)
  add_library(lowtide::openblas INTERFACE IMPORTED)
  target_include_directories(lowtide::openblas INTERFACE "${OPENBLAS_INCLUDE_DIR}" "${LAPACKE_INCLUDE_DIR}")
  target_link_libraries(lowtide::openblas INTERFACE "${LAPACKE_LIBRARY}" "${OPENBLAS_LIBRARY}")
endif()
