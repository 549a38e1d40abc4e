# SPDX-License-Identifier: BSD-3-Clause
# Toolchain: clang-cl and lld-link for the ABI of Microsoft's compiler, on Linux, with Wine's
# headers. scripts/lib/msvc.sh builds the libraries and explains the setup; the
# environment variable SMMAP_MSVC_PREFIX is their location.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)

set(SMMAP_MSVC_PREFIX "$ENV{SMMAP_MSVC_PREFIX}" CACHE PATH "made by scripts/check msvc")
if(NOT SMMAP_MSVC_PREFIX)
  message(FATAL_ERROR "SMMAP_MSVC_PREFIX is not set: where scripts/check msvc made the libraries")
endif()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SMMAP_MSVC_PREFIX)

# On Debian the names of the programs have a version suffix.
find_program(SMMAP_CLANG_CL NAMES clang-cl clang-cl-19 clang-cl-17 clang-cl-16 clang-cl-15
             clang-cl-14 REQUIRED)
string(REGEX MATCH "-[0-9]+$" smmap_llvm "${SMMAP_CLANG_CL}")
set(CMAKE_C_COMPILER "${SMMAP_CLANG_CL}")
set(CMAKE_C_COMPILER_TARGET x86_64-pc-windows-msvc)
set(CMAKE_LINKER lld-link${smmap_llvm})
set(CMAKE_AR llvm-lib${smmap_llvm})
set(CMAKE_RC_COMPILER llvm-rc${smmap_llvm})
set(CMAKE_MT llvm-mt${smmap_llvm})

set(smmap_wine /usr/include/wine/wine)
set(smmap_sysroot "${SMMAP_MSVC_PREFIX}/sysroot")
set(CMAKE_C_FLAGS_INIT "-fmsc-version=1938 /imsvc ${smmap_sysroot}/include \
/imsvc ${smmap_wine}/msvcrt /imsvc ${smmap_wine}/windows")
set(CMAKE_RC_FLAGS_INIT "-I ${smmap_sysroot}/include -I ${smmap_wine}/msvcrt \
-I ${smmap_wine}/windows")
foreach(smmap_kind EXE SHARED MODULE)
  set(CMAKE_${smmap_kind}_LINKER_FLAGS_INIT "/manifest:no /libpath:${smmap_sysroot}/lib")
endforeach()

set(CMAKE_CROSSCOMPILING_EMULATOR wine CACHE STRING "runs the programs that are built")
set(CMAKE_FIND_ROOT_PATH "${SMMAP_MSVC_PREFIX}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
