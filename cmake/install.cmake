# SPDX-License-Identifier: BSD-3-Clause
# Installs the same files as `make install`.

foreach(kind shared static)
  if(TARGET smmap_${kind})
    install(TARGETS smmap_${kind} EXPORT smmap-targets
      RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
      LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
      INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  endif()
endforeach()
install(FILES ${SMMAP_HEADER_FILES} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/smmap")
install(FILES CHANGES.md LICENSE README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
if(SMMAP_COMMAND)
  install(TARGETS smmap_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(FILES tools/smmap.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES tools/completions/smmap
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
  install(FILES tools/completions/_smmap DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  install(FILES tools/completions/smmap.fish
    DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
  install(FILES ${SMMAP_BENCH_SCRIPT_FILES} DESTINATION "${CMAKE_INSTALL_DATADIR}/libsmmap")
endif()

# The manual: made from the headers, or as a release has it. Python is that of this machine, which
# find_package would look for among the programs of the other one when it cross-compiles.
find_program(SMMAP_PYTHON3 NAMES python3 python NO_CMAKE_FIND_ROOT_PATH)
mark_as_advanced(SMMAP_PYTHON3)
set(smmap_no_python ON)
if(SMMAP_PYTHON3)
  execute_process(COMMAND "${SMMAP_PYTHON3}" -c "import sys; sys.exit(sys.version_info < (3, 6))"
    RESULT_VARIABLE smmap_no_python OUTPUT_QUIET ERROR_QUIET)
endif()
set(smmap_pages "${PROJECT_SOURCE_DIR}/man")
if(NOT smmap_no_python)
  set(smmap_pages "${PROJECT_BINARY_DIR}/man")
  add_custom_command(OUTPUT "${smmap_pages}/made"
    COMMAND "${SMMAP_PYTHON3}" "${PROJECT_SOURCE_DIR}/scripts/manpages" "${smmap_pages}"
    DEPENDS scripts/manpages scripts/lib/manual_headers.py scripts/lib/manual_roff.py
            docs/reference/smmap.7.in ${SMMAP_HEADER_FILES}
    COMMENT "Making the manual pages" VERBATIM)
  add_custom_target(smmap_manual ALL DEPENDS "${smmap_pages}/made")
endif()
if(NOT smmap_no_python OR EXISTS "${smmap_pages}/made")
  install(DIRECTORY "${smmap_pages}/man3" "${smmap_pages}/man7"
    DESTINATION "${CMAKE_INSTALL_MANDIR}")
else()
  message(STATUS "No manual pages but smmap(1): they need python3")
endif()

# For find_package, from the templates of configure: what is below the prefix is found from there.
set(SMMAP_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/smmap" CACHE STRING
  "where the files for find_package go")
mark_as_advanced(SMMAP_CMAKEDIR)
set(SMMAP_PREFIX "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${SMMAP_CMAKEDIR}")
  string(REGEX REPLACE "[^/]+" ".." SMMAP_PREFIX "${SMMAP_CMAKEDIR}")
  string(PREPEND SMMAP_PREFIX "\${_smmap_here}/")
endif()
foreach(name LIBDIR INCLUDEDIR BINDIR)
  set(SMMAP_${name} "${CMAKE_INSTALL_${name}}")
  if(NOT IS_ABSOLUTE "${SMMAP_${name}}")
    string(PREPEND SMMAP_${name} "\${_smmap_prefix}/")
  endif()
endforeach()
set(PACKAGE_VERSION ${PROJECT_VERSION})
set(SMMAP_POINTER_SIZE ${CMAKE_SIZEOF_VOID_P})
set(SMMAP_SONAME_PREFIX "")
if(APPLE)
  set(SMMAP_SONAME_PREFIX "@rpath/")
endif()
# The names of the libraries are known when their targets are, and may depend on the configuration.
set(SMMAP_SHARED_NAME "")
set(SMMAP_IMPORT_NAME "")
set(SMMAP_STATIC_NAME "")
if(SMMAP_SHARED)
  set(SMMAP_SHARED_NAME "$<TARGET_FILE_NAME:smmap_shared>")
  if(NOT WIN32)
    set(SMMAP_SHARED_NAME "$<TARGET_SONAME_FILE_NAME:smmap_shared>")
  endif()
  set(SMMAP_IMPORT_NAME "$<TARGET_LINKER_FILE_NAME:smmap_shared>")
endif()
if(SMMAP_STATIC)
  set(SMMAP_STATIC_NAME "$<TARGET_FILE_NAME:smmap_static>")
endif()
foreach(name smmap-config smmap-config-version)
  configure_file(cmake/${name}.cmake.in "${PROJECT_BINARY_DIR}/package/${name}.cmake.in" @ONLY)
  file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/package/$<CONFIG>/${name}.cmake"
    INPUT "${PROJECT_BINARY_DIR}/package/${name}.cmake.in")
  install(FILES "${PROJECT_BINARY_DIR}/package/$<CONFIG>/${name}.cmake"
    DESTINATION "${SMMAP_CMAKEDIR}")
endforeach()
install(FILES cmake/FindAPR.cmake DESTINATION "${SMMAP_CMAKEDIR}")
# A project that takes this one in can export targets of its own that use ours.
install(EXPORT smmap-targets NAMESPACE smmap:: DESTINATION "${SMMAP_CMAKEDIR}" EXCLUDE_FROM_ALL)

# For pkg-config: the template of configure, filled in as configure would; the prefix when it is
# known, as `cmake --install --prefix` may name another one.
set(prefix "@CMAKE_INSTALL_PREFIX@")
set(exec_prefix "\${prefix}")
foreach(name libdir includedir)
  string(TOUPPER ${name} upper)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${upper}}")
    set(${name} "${CMAKE_INSTALL_${upper}}")
  elseif(name STREQUAL libdir)
    set(libdir "\${exec_prefix}/${CMAKE_INSTALL_LIBDIR}")
  else()
    set(includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
  endif()
endforeach()
set(PC_CFLAGS "${APR_USER_CFLAGS}")
set(PC_LIBS "${APR_LIBS}")
set(PC_LIBS_PRIVATE "${APR_STATIC_LIBS}")
configure_file(smmap.pc.in "${PROJECT_BINARY_DIR}/smmap.pc.in" @ONLY)
install(CODE "configure_file(\"${PROJECT_BINARY_DIR}/smmap.pc.in\" \"${PROJECT_BINARY_DIR}/smmap.pc\" @ONLY)")
install(FILES "${PROJECT_BINARY_DIR}/smmap.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
