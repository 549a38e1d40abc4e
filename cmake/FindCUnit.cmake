# SPDX-License-Identifier: BSD-3-Clause
# Finds CUnit, for the tests. Defines the target CUnit::CUnit and sets CUnit_FOUND. Set
# CUnit_ROOT or CMAKE_PREFIX_PATH to its location.

find_path(CUnit_INCLUDE_DIR NAMES CUnit/CUnit.h)
# As in FindAPR.cmake.
if(WIN32 AND CUnit_INCLUDE_DIR)
  find_library(CUnit_LIBRARY_RELEASE NAMES cunit libcunit NO_DEFAULT_PATH
               PATHS "${CUnit_INCLUDE_DIR}/../lib")
  find_library(CUnit_LIBRARY_DEBUG NAMES cunit libcunit NO_DEFAULT_PATH
               PATHS "${CUnit_INCLUDE_DIR}/../debug/lib")
endif()
find_library(CUnit_LIBRARY_RELEASE NAMES cunit libcunit)
include(SelectLibraryConfigurations)
select_library_configurations(CUnit)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CUnit
  REQUIRED_VARS CUnit_LIBRARY CUnit_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Install it (Debian: libcunit1-dev, Fedora: CUnit-devel, Homebrew: \
cunit, vcpkg: cunit), say where it is with -DCUnit_ROOT=PREFIX, or leave the tests out with \
-DSMMAP_TESTS=OFF")
mark_as_advanced(CUnit_INCLUDE_DIR)

if(CUnit_FOUND AND NOT TARGET CUnit::CUnit)
  add_library(CUnit::CUnit UNKNOWN IMPORTED)
  set_target_properties(CUnit::CUnit PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CUnit_INCLUDE_DIR}"
    IMPORTED_LOCATION "${CUnit_LIBRARY_RELEASE}")
  if(CUnit_LIBRARY_DEBUG)
    set_target_properties(CUnit::CUnit PROPERTIES
      IMPORTED_LOCATION_DEBUG "${CUnit_LIBRARY_DEBUG}")
  endif()
endif()
