# SPDX-License-Identifier: BSD-3-Clause
# Finds APR, the Apache Portable Runtime, version 1. Installed with libsmmap, because its users
# need APR too.
#
# Defines the target APR::APR, and sets APR_FOUND and APR_VERSION. Set APR_ROOT or
# CMAKE_PREFIX_PATH to its location. On Windows the DLL is preferred to the static library,
# unless APR_USE_STATIC is on.
#
# APR::APR has those of APR's options that its headers need; all of them are in APR_BUILD_OPTIONS.
#
# For smmap.pc and for tests that call the compiler: the flags APR_USER_CFLAGS, without options that
# the headers do not need, APR_LIBS and APR_STATIC_LIBS.

set(APR_BUILD_OPTIONS "")
set(APR_USER_CFLAGS "")
set(APR_LIBS "")
set(APR_STATIC_LIBS "")

if(NOT WIN32)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(PC_APR QUIET apr-1)
  endif()
  if(NOT PC_APR_FOUND)
    find_program(APR_CONFIG NAMES apr-1-config PATH_SUFFIXES bin)
    if(APR_CONFIG)
      execute_process(COMMAND "${APR_CONFIG}" --cppflags
                      OUTPUT_VARIABLE PC_APR_CFLAGS OUTPUT_STRIP_TRAILING_WHITESPACE)
      execute_process(COMMAND "${APR_CONFIG}" --includedir
                      OUTPUT_VARIABLE PC_APR_INCLUDE_DIRS OUTPUT_STRIP_TRAILING_WHITESPACE)
      execute_process(COMMAND "${APR_CONFIG}" --prefix
                      OUTPUT_VARIABLE PC_APR_PREFIX OUTPUT_STRIP_TRAILING_WHITESPACE)
      set(PC_APR_LIBRARY_DIRS "${PC_APR_PREFIX}/lib")
      execute_process(COMMAND "${APR_CONFIG}" --libs
                      OUTPUT_VARIABLE APR_STATIC_LIBS OUTPUT_STRIP_TRAILING_WHITESPACE)
      string(STRIP "${APR_STATIC_LIBS}" APR_STATIC_LIBS)
      separate_arguments(PC_APR_CFLAGS UNIX_COMMAND "${PC_APR_CFLAGS}")
    endif()
  endif()
  # As in m4/smmap.m4, which says why.
  set(apr_user_flags "")
  foreach(apr_flag IN LISTS PC_APR_CFLAGS)
    if(apr_flag STREQUAL "-D_GNU_SOURCE")
      list(APPEND apr_user_flags -D_DEFAULT_SOURCE)
    elseif(NOT apr_flag MATCHES "^-D" OR apr_flag MATCHES "^-D(APR_|_LARGE|_FILE_OFFSET_BITS)")
      list(APPEND apr_user_flags ${apr_flag})
    endif()
  endforeach()
  set(APR_BUILD_OPTIONS "${PC_APR_CFLAGS}")
  set(apr_options "${apr_user_flags}")
  list(FILTER APR_BUILD_OPTIONS EXCLUDE REGEX "^-I")
  list(FILTER apr_options EXCLUDE REGEX "^-I")
endif()

find_path(APR_INCLUDE_DIR NAMES apr_general.h
          HINTS ${PC_APR_INCLUDE_DIRS} PATH_SUFFIXES apr-1 apr-1.0)
if(APR_USE_STATIC)
  set(apr_names apr-1)
else()
  set(apr_names libapr-1 apr-1)
endif()
# vcpkg has the debug library in debug/lib and adds that to the search path, with Visual Studio
# before lib. So search by full path first, next to the headers.
if(WIN32 AND APR_INCLUDE_DIR)
  find_library(APR_LIBRARY_RELEASE NAMES ${apr_names} NO_DEFAULT_PATH
               PATHS "${APR_INCLUDE_DIR}/../lib" "${APR_INCLUDE_DIR}/../../lib")
  find_library(APR_LIBRARY_DEBUG NAMES ${apr_names} NO_DEFAULT_PATH
               PATHS "${APR_INCLUDE_DIR}/../debug/lib" "${APR_INCLUDE_DIR}/../../debug/lib")
endif()
find_library(APR_LIBRARY_RELEASE NAMES ${apr_names} HINTS ${PC_APR_LIBRARY_DIRS})
find_library(APR_LIBRARY_DEBUG NAMES ${apr_names} PATH_SUFFIXES debug/lib)
include(SelectLibraryConfigurations)
if(NOT APR_LIBRARY_DEBUG MATCHES "/debug/")
  unset(APR_LIBRARY_DEBUG CACHE)
endif()
select_library_configurations(APR)

if(APR_INCLUDE_DIR AND EXISTS "${APR_INCLUDE_DIR}/apr_version.h")
  file(STRINGS "${APR_INCLUDE_DIR}/apr_version.h" apr_lines
       REGEX "^#define[ \t]+APR_(MAJOR|MINOR|PATCH)_VERSION[ \t]+[0-9]+")
  list(TRANSFORM apr_lines REPLACE "[^0-9]" "")
  list(JOIN apr_lines "." APR_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(APR
  REQUIRED_VARS APR_LIBRARY APR_INCLUDE_DIR
  VERSION_VAR APR_VERSION
  REASON_FAILURE_MESSAGE "Install it (Debian: libapr1-dev, Fedora: apr-devel, Homebrew: apr, \
vcpkg: apr) or say where it is: -DAPR_ROOT=PREFIX")
mark_as_advanced(APR_INCLUDE_DIR APR_CONFIG)

if(APR_FOUND)
  set(apr_definitions "")
  set(apr_libraries "")
  if(WIN32)
    # Static or DLL, by name: apr-1.lib or libapr-1.lib; mingw has libapr-1.a or libapr-1.dll.a.
    list(GET APR_LIBRARIES -1 apr_file)
    get_filename_component(apr_file "${apr_file}" NAME)
    if((MSVC AND apr_file MATCHES "^apr-1") OR (NOT MSVC AND NOT apr_file MATCHES "\\.dll\\.a$"))
      set(apr_definitions APR_DECLARE_STATIC)
      set(apr_libraries ws2_32 mswsock rpcrt4 iphlpapi)
    endif()
  elseif(APR_LIBRARY MATCHES "\\.a$")
    set(apr_libraries ${PC_APR_STATIC_LIBRARIES})
    list(REMOVE_ITEM apr_libraries apr-1)
  endif()
  if(NOT TARGET APR::APR)
    add_library(APR::APR UNKNOWN IMPORTED)
    set_target_properties(APR::APR PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${APR_INCLUDE_DIR}"
      INTERFACE_COMPILE_DEFINITIONS "${apr_definitions}"
      INTERFACE_COMPILE_OPTIONS "${apr_options}"
      INTERFACE_LINK_LIBRARIES "${apr_libraries}"
      IMPORTED_LOCATION "${APR_LIBRARY_RELEASE}")
    if(APR_LIBRARY_DEBUG)
      set_target_properties(APR::APR PROPERTIES IMPORTED_LOCATION_DEBUG "${APR_LIBRARY_DEBUG}")
      if(NOT APR_LIBRARY_RELEASE)
        set_target_properties(APR::APR PROPERTIES IMPORTED_LOCATION "${APR_LIBRARY_DEBUG}")
      endif()
    endif()
  endif()
  if(PC_APR_FOUND)
    list(JOIN apr_user_flags " " APR_USER_CFLAGS)
    list(JOIN PC_APR_LDFLAGS " " APR_LIBS)
    list(JOIN PC_APR_STATIC_LDFLAGS " " APR_STATIC_LIBS)
  else()
    get_filename_component(apr_directory "${APR_LIBRARY_RELEASE}" DIRECTORY)
    set(APR_USER_CFLAGS ${apr_options} ${apr_definitions} "-I${APR_INCLUDE_DIR}")
    list(TRANSFORM APR_USER_CFLAGS REPLACE "^APR_" "-DAPR_")
    list(JOIN APR_USER_CFLAGS " " APR_USER_CFLAGS)
    set(APR_LIBS -lapr-1 ${apr_libraries})
    list(TRANSFORM APR_LIBS REPLACE "^([a-z])" "-l\\1")
    list(JOIN APR_LIBS " " APR_LIBS)
    string(PREPEND APR_LIBS "-L${apr_directory} ")
  endif()
endif()
