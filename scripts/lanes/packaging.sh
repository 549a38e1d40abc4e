# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the recipes in packaging/, as far as Debian's programs can run them"
lane_things="compiler make autotools pkg-config apr cunit cmake python3 rpmbuild rpm2cpio cpio ruby
    meson ninja"

lane_possible()
{
    if ! has_commands apt-get; then
        echo "rpmbuild without Fedora's packages is for Debian and what is made of it"
        return 1
    fi
}

release()
{
    native_build all && rm -f "$build"/*.tar.gz && make -C "$programs" dist &&
        mv "$programs"/libsmmap-*.tar.gz "$build"
}

# The packages hold what make install installs, but for documents and libtool's own file.
rpms()
{
    local place=$build/rpm
    rm -rf "$place"
    mkdir -p "$place/root" && rpmbuild -bb --nodeps --define "_topdir $place" \
        --define "_sourcedir $build" --define "debug_package %{nil}" \
        "$recipes/rpm/libsmmap.spec" || return 1
    for package in "$place"/RPMS/*/*.rpm; do
        (cd "$place/root" && rpm2cpio "$package" | cpio -idm) || return 1
    done
    make -C "$programs" install DESTDIR="$place/installed" >/dev/null &&
        files_of "$place/installed$work/prefix" >"$place/expected" &&
        files_of "$place/root/usr" >"$place/there" &&
        diff "$place/expected" "$place/there" && test -s "$place/there"
}

files_of()
{
    (cd "$1" && find . ! -type d ! -name '*.la' ! -path './share/doc/*' \
        ! -path './share/licenses/*' ! -path './lib/.build-id/*' |
        sed 's,\.gz$,,; s,^\./lib64/,./lib/,' | LC_ALL=C sort)
}

# A program whose project has the archive as a subproject, as the wrap says.
meson_program()
{
    local place=$build/meson archive
    archive=$(echo "$build"/libsmmap-*.tar.gz)
    rm -rf "$place"
    mkdir -p "$place/subprojects/packagecache" && cp "$archive" "$place/subprojects/packagecache" &&
        cp "$source/tests/package/consumer/consumer.c" "$place/program.c" &&
        sed "s/^source_hash = .*/source_hash = $(sha256sum "$archive" | sed 's/ .*//')/" \
            "$recipes/meson/libsmmap.wrap" >"$place/subprojects/libsmmap.wrap" || return 1
    {
        echo "project('program', 'c')"
        sed -n 's/^#     //p' "$recipes/meson/libsmmap.wrap"
    } >"$place/meson.build"
    meson setup "$place/build" "$place" && meson compile -C "$place/build" &&
        "$place/build/program" "$source/README.md"
}

# With functions that do what vcpkg's do, for the release and for debugging; a program of each kind
# is linked with the library of its kind.
vcpkg_port()
{
    local place=$build/vcpkg kind
    rm -rf "$place"
    mkdir -p "$place" && cat >"$place/stand-in.cmake" <<FUNCTIONS || return 1
set(CURRENT_PACKAGES_DIR "$place/packages")
set(VERSION 0)
function(vcpkg_download_distfile)
endfunction()
macro(vcpkg_extract_source_archive)
  set(SOURCE_PATH "$source")
endmacro()
function(vcpkg_cmake_configure)
  list(SUBLIST ARGN 3 -1 options)
  foreach(kind Release Debug)
    string(REPLACE Release "" prefix "\${kind}")
    string(REPLACE Debug /debug prefix "\${prefix}")
    execute_process(COMMAND cmake -S "$source" -B "$place/\${kind}" \${options}
      -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=\${kind} -DCMAKE_INSTALL_LIBDIR=lib
      "-DCMAKE_INSTALL_PREFIX=$place/packages\${prefix}" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()
function(vcpkg_cmake_install)
  foreach(kind Release Debug)
    execute_process(COMMAND cmake --build "$place/\${kind}" -j $jobs COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND cmake --install "$place/\${kind}" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_copy_pdbs)
endfunction()
function(vcpkg_install_copyright)
  execute_process(COMMAND test -f "\${ARGV1}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()
include("$recipes/vcpkg/portfile.cmake")
FUNCTIONS
    cmake -P "$place/stand-in.cmake" && test ! -e "$place/packages/lib/cmake" &&
        test ! -e "$place/packages/debug/share" || return 1
    for kind in Release Debug; do
        cmake_consumer "vcpkg/outside-$kind" "$place/packages" "" "$source/README.md" \
            -DCMAKE_BUILD_TYPE=$kind &&
            ldd "$place/outside-$kind/build/consumer" >"$place/$kind.ldd" || return 1
    done
    grep "$place/packages/lib/libsmmap" "$place/Release.ldd" &&
        grep "$place/packages/debug/lib/libsmmap" "$place/Debug.ldd"
}

# What Conan would take along is enough for a build.
conan_sources()
{
    local place=$build/conan
    rm -rf "$place"
    mkdir -p "$place/tree" &&
        (cd "$source" && python3 - "$recipes/conan/conanfile.py" <<'LIST'
import ast, glob, os, sys
tree = ast.parse(open(sys.argv[1]).read())
method = next(n for n in ast.walk(tree) if getattr(n, "name", "") == "export_sources")
for loop in (n for n in ast.walk(method) if isinstance(n, ast.For)):
    for pattern in ast.literal_eval(loop.iter):
        for name in glob.glob(pattern):
            print(name)
LIST
        ) >"$place/list" &&
        (cd "$source" && tar -cf - -T "$place/list") | tar -C "$place/tree" -xf - &&
        cmake -S "$place/tree" -B "$place/build" -DSMMAP_TESTS=OFF -DSMMAP_EXAMPLES=OFF \
            -DSMMAP_COMMAND=OFF -DCMAKE_INSTALL_PREFIX="$place/prefix" &&
        cmake --build "$place/build" -j "$jobs" && cmake --install "$place/build"
}

lane_run()
{
    local recipes=$source/packaging
    . "$top/scripts/lib/ctest.sh"
    say "building"
    step "make dist" release || return 1
    step "RPM: the files are those of make install" rpms
    step "Meson: a program with the subproject" meson_program
    step "vcpkg: programs of both kinds" vcpkg_port
    step "Conan: syntax" python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' \
        "$recipes/conan/conanfile.py"
    step "Conan: the sources are enough" conan_sources
    step "Homebrew: syntax" ruby -c "$recipes/homebrew/libsmmap.rb"
}
