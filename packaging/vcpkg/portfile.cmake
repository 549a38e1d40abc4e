# SPDX-License-Identifier: BSD-3-Clause
# Run: with functions that stand in for vcpkg's (scripts/lanes/packaging.sh), on Linux.
# Not run: vcpkg itself, and Windows. `vcpkg install libsmmap --overlay-ports=packaging/vcpkg`

vcpkg_download_distfile(archive
    URLS "https://example.org/libsmmap/libsmmap-${VERSION}.tar.gz"
    FILENAME "libsmmap-${VERSION}.tar.gz"
    SHA512 0)
vcpkg_extract_source_archive(SOURCE_PATH ARCHIVE "${archive}")

# Files for CMake go where vcpkg wants them, as they find the rest from their own place.
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS -DSMMAP_TESTS=OFF -DSMMAP_EXAMPLES=OFF -DSMMAP_COMMAND=OFF
        -DSMMAP_CMAKEDIR=share/smmap)
vcpkg_cmake_install()
vcpkg_fixup_pkgconfig()
vcpkg_copy_pdbs()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
