# The C library of HDF5, serial flavour, as the target lowtide::hdf5. (CMake's own FindHDF5 wants a C
# compiler in the project, and may pick a flavour that needs MPI.)
find_path(HDF5_SERIAL_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial)
find_library(HDF5_SERIAL_LIBRARY NAMES hdf5_serial hdf5 PATH_SUFFIXES hdf5/serial)
mark_as_advanced(HDF5_SERIAL_INCLUDE_DIR HDF5_SERIAL_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(HDF5Serial
  REQUIRED_VARS HDF5_SERIAL_LIBRARY HDF5_SERIAL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "(on Debian and Ubuntu: libhdf5-dev)")
if(HDF5Serial_FOUND AND NOT TARGET lowtide::hdf5)
  add_library(lowtide::hdf5 INTERFACE IMPORTED)
  target_include_directories(lowtide::hdf5 SYSTEM INTERFACE "${HDF5_SERIAL_INCLUDE_DIR}")
  target_link_libraries(lowtide::hdf5 INTERFACE "${HDF5_SERIAL_LIBRARY}")
endif()
