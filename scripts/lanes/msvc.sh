# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the dialect and ABI of Microsoft's compiler: clang-cl, CMake, all suites under Wine"
lane_things="gcc clang clang-cl libc++ lld llvm make cmake apr cunit zlib git wine wine-headers sources"

lane_possible()
{
    builds_libraries
}

# Microsoft's compiler has no stdatomic.h, no threads.h, no complex numbers and no arrays of
# variable length.
as_microsoft="-D_SSIZE_T_DEFINED -D__STDC_NO_ATOMICS__=1 -D__STDC_NO_THREADS__=1
    -D__STDC_NO_VLA__=1 -D__STDC_NO_COMPLEX__=1"

# What clang tells of extensions of GNU's; the build has them as errors.
as_pedantic="-Wpedantic -Wgnu -Wvla -Wno-language-extension-token -Wno-c11-extensions"

# clang_cl MACHINE ARGUMENT...: as if it were Microsoft's compiler.
# shellcheck disable=SC2086 # a list of words
clang_cl()
{
    local machine=$1 wine=/usr/include/wine/wine
    shift
    $launcher "clang-cl-$llvm" "--target=$machine-pc-windows-msvc" -fmsc-version=1938 \
        /nologo /std:c11 $as_microsoft -D_CRT_SECURE_NO_WARNINGS -D_CRT_NONSTDC_NO_WARNINGS \
        /imsvc "$libraries/sysroot/include" /imsvc "$libraries/include" \
        /imsvc $wine/msvcrt /imsvc $wine/windows "-I$source" "-I$source/include" "$@"
}

# files_below PART...: those of the build's sources that are in these directories of the tree.
files_below()
{
    local part
    compiled >"$build/compiled"
    for part in "$@"; do
        grep "^$part/" "$build/compiled"
    done
}

# dialect MACHINE PART...: what is there compiles without a warning and without an extension of
# GNU's, as clang understands Microsoft's dialect.
# shellcheck disable=SC2086 # a list of words
dialect()
{
    local machine=$1 file answer=0 count=0
    shift
    files_below "$@" >"$build/dialect"
    while read -r file; do
        count=$((count + 1))
        clang_cl "$machine" /c /W4 /WX $as_pedantic -DSMMAP_STATIC "/Fo$build/dialect.obj" \
            -- "$source/$file" || answer=1
    done <"$build/dialect"
    rm -f "$build/dialect.obj"
    echo "$count files for $machine"
    test "$count" -gt 0 || return 1
    return $answer
}

# no_extension PART...: some extensions clang does not warn of. They are looked for in the text
# that is left when the preprocessor is done, as far as it comes from files of the tree. What the
# system's own macros become (va_start, offsetof, setjmp) is no matter. Names that clang's own
# headers have and Microsoft's do not (max_align_t) are among them.
no_extension()
{
    local file answer=0 count=0 foreign
    foreign='__attribute(__)?|__typeof(__)?|__builtin_[a-z_]+|__sync_[a-z_]+|__atomic_[a-z_]+'
    foreign="$foreign|__thread|__asm(__)?|asm|__int128|__extension__|__label__|__auto_type"
    foreign="$foreign|_Complex|ssize_t|str(n)?casecmp|max_align_t"
    files_below "$@" >"$build/dialect"
    while read -r file; do
        count=$((count + 1))
        if launcher='' clang_cl x86_64 /E -DSMMAP_STATIC -- "$source/$file" 2>/dev/null |
            awk -v tree="$source/" '
                /^#/ { name = $0; sub(/^[^"]*"/, "", name); keep = index(name, tree) == 1; next }
                keep' | sed 's/__builtin_\(va_[a-z]*\|offsetof\|frame_address\)//g' |
            grep -nE "\\b($foreign)\\b"; then
            echo "$file: an extension of GNU's, or a name of POSIX"
            answer=1
        fi
    done <"$build/dialect"
    echo "$count files"
    test "$count" -gt 0 || return 1
    return $answer
}

# The files that the build has compiled, from the top.
compiled()
{
    sed -n 's,^ *"file": "\(.*\)"\,*$,\1,p' "$build/compile_commands.json" |
        sed "s,^$source/,," | LC_ALL=C sort -u
}

probe_dialect()
{
    (
        compiled() { echo core/smmap_probe.c; }
        dialect x86_64 core && no_extension core
    )
}

# That what is looked for above is found, and nothing where there is nothing.
dialect_finds()
{
    local file=$source/core/smmap_probe.c answer=0 line
    echo 'int probe(int n); int probe(int n) { return n; }' >"$file"
    probe_dialect || answer=1
    for line in 'int probe(void); int probe(void) { return __builtin_popcount(1); }' \
        'int probe(int n) { int array[n]; return array[0]; }' \
        'int probe(int n) { return n ?: 1; }' \
        '#include <unistd.h>' \
        '#include <stddef.h>
union probe { max_align_t align; int is; };' \
        'typedef int probe_t __attribute__((aligned(8)));'; do
        echo "$line" >"$file"
        probe_dialect >"$build/found" 2>&1 && { echo "not found: $line"; answer=1; }
        sed 's/^/    | /' "$build/found"
    done
    rm -f "$file"
    return $answer
}

# In C++, where only the interface is of interest.
headers_in_cxx()
{
    echo '#include <smmap/smmap.h>' >"$build/probe.cpp"
    echo 'const char *probe(void) { return smmap_version(0, 0, 0); }' >>"$build/probe.cpp"
    # /std:c11 is for C; clang says that it does not use it.
    clang_cl "$1" -Wno-unused-command-line-argument /TP /c /W4 /WX /Fo/dev/null \
        -- "$build/probe.cpp"
}

# smmap.hpp, compiled only. Wine's headers have no C++ library, so it is LLVM's, without its
# headers of mathematics; the functions that it wants and Wine's headers miss are made up.
smmap_hpp()
{
    local place=$build/cxx17
    mkdir -p "$place" && : >"$place/cmath" && : >"$place/math.h" || return 1
    cat >"$place/missing.h" <<'HEADER'
#define _LIBCPP_NO_VCRUNTIME
#define _LIBCPP_WCHAR_H_HAS_CONST_OVERLOADS
struct timespec;
extern "C" int at_quick_exit(...), timespec_get(...), vfscanf(...), vsscanf(...), vscanf(...),
    vfwscanf(...), vswscanf(...), vwscanf(...), fwide(...), mbsinit(...);
extern "C" void *aligned_alloc(...);
extern "C" long double wcstold(...);
HEADER
    cat >"$place/probe.cpp" <<'PROGRAM'
#include <smmap/smmap.hpp>
std::size_t probe(const char *path)
{
    smmap::manager files;
    smmap::cursor cursor(files, path);
    smmap::guard guard(cursor);
    std::size_t count = cursor.use(0).size() + cursor.require(0, 1)[0] + files.collect();
    guard.end();
    files.pinned([&](const smmap_pinned_t &pinned) { count += pinned.cursors; });
    smmap::buffer buffer(cursor);
    return count + buffer.byte(0) + buffer.slice(0, 1).value_or(smmap::bytes()).size();
}
PROGRAM
    # With -I it comes before Wine's headers.
    clang_cl x86_64 -Wno-unused-command-line-argument "-I$place" \
        "-I/usr/lib/llvm-$llvm/include/c++/v1" "/FI$place/missing.h" /std:c++17 /EHsc \
        /c /W4 /WX -Wconversion -Wshadow -Wold-style-cast -Wzero-as-null-pointer-constant \
        "/Fo$place/probe.obj" -- "$place/probe.cpp"
}

exports_of_dll()
{
    "llvm-readobj-$llvm" --coff-exports "$1" | sed -n 's/^  Name: \(..*\)$/\1/p' |
        LC_ALL=C sort >"$build/exports"
    grep -v '^#' "$source/tests/package/exports.txt" | LC_ALL=C sort | diff - "$build/exports"
}

# The DLL and the programs come from the ABI of Microsoft's compiler: no C library but its,
# and nothing of mingw's or of clang's own.
imports_of()
{
    local file system='ucrtbase|vcruntime140|kernel32|ntdll|ws2_32|mswsock|rpcrt4|iphlpapi'
    system="$system|advapi32|shell32|user32|ole32|psapi"
    for file in "$@"; do
        "llvm-readobj-$llvm" --coff-imports "$file" | sed -n 's/^  Name: //p'
    done | tr '[:upper:]' '[:lower:]' | LC_ALL=C sort -u >"$build/imports"
    cat "$build/imports"
    grep -q '^ucrtbase\.dll$' "$build/imports" &&
        ! grep -vE "^(smmap-[0-9]+|libapr-1|$system)\\.dll\$" \
            "$build/imports"
}

# The command reads and finds what the tools of this system do.
command_reads()
{
    local file=$source/README.md
    wine "$build/bin/smmap.exe" cat "$file" | cmp - "$file" &&
        wine "$build/bin/smmap.exe" find --window-size 64K windows "$file" | tr -d '\r' |
        grep -o '[0-9]*$' >"$build/found"
    grep -abo windows "$file" | sed 's/:.*//' | diff - "$build/found" && test -s "$build/found"
}

# Without any DLL but those of the system.
static_build()
{
    local build=$build/static
    cmake -S "$source" -B "$build" -G "Unix Makefiles" $toolchain -DSMMAP_WERROR=ON \
        -DBUILD_SHARED_LIBS=OFF -DAPR_USE_STATIC=ON -DBUILD_TESTING=OFF \
        -DCMAKE_INSTALL_PREFIX="$build/prefix" &&
        cmake --build "$build" -j "$jobs" && cmake --install "$build" &&
        imports_of "$build/bin/smmap.exe" && ! grep -E 'smmap|apr' "$build/imports" &&
        env WINEPATH= wine "$build/bin/smmap.exe" --version
}

# A list of words in $toolchain.
# shellcheck disable=SC2086
lane_run()
{
    local libraries llvm toolchain prefix=$work/msvc-prefix launcher= answer=0
    . "$top/scripts/lib/ctest.sh"
    . "$top/scripts/lib/msvc.sh"
    . "$top/scripts/lib/wine.sh"
    llvm=$(msvc_llvm) && libraries=$(msvc_prefix) && msvc_libraries "$libraries" || return 1
    export SMMAP_MSVC_PREFIX=$libraries
    toolchain="-DCMAKE_TOOLCHAIN_FILE=$source/cmake/clang-cl-wine.cmake
        -DSMMAP_MSVC_PREFIX=$libraries"
    # Where there is a cache of what was compiled (.ci/run), it is used for clang-cl, too.
    if [ -n "${CCACHE_DIR:-}" ]; then
        launcher=$source/scripts/lib/ccache-clang-cl
        toolchain="$toolchain -DCMAKE_C_COMPILER_LAUNCHER=$launcher"
    fi

    rm -rf "$prefix"
    CFLAGS=$(echo $as_microsoft $as_pedantic) \
        cmake_build $toolchain -DSMMAP_WERROR=ON -DCMAKE_INSTALL_PREFIX="$prefix" || return 1
    step "x86-64: nothing of GNU's is left by the preprocessor" no_extension core backends cli \
        tools bench examples tests
    step "x86: Microsoft's dialect, compiled only" dialect i686 core backends cli \
        tools bench examples
    step "ARM64: Microsoft's dialect, compiled only" dialect aarch64 core backends \
        cli tools bench examples
    step "the check of the dialect finds what it looks for" dialect_finds
    step "the headers in C++, x86-64" headers_in_cxx x86_64
    step "the headers in C++, x86" headers_in_cxx i686
    step "smmap.hpp in C++17, x86-64" smmap_hpp
    step "the DLL exports what tests/package/exports.txt lists" exports_of_dll \
        "$build"/bin/smmap-*.dll
    step "they need Microsoft's C library and no other" imports_of "$build"/bin/*.dll \
        "$build"/bin/*.exe

    say "starting Wine"
    # The DLLs: APR's, and our own when it is installed.
    WINEPATH="$(wine_path "$libraries/bin");$(wine_path "$prefix/bin")"
    export WINEPATH
    wine_begin || return 1
    # Tests that map much are slow under Wine, so there are fewer rounds.
    SMMAP_TEST_LIGHT=1
    export SMMAP_TEST_LIGHT
    ctest_run || answer=1
    say "    skipped: tests/package/guide.sh, headers.sh because they run what this system's" \
        "compiler made"
    say "    skipped: tests/cli/command.sh because it is about POSIX paths, signals and messages"
    say "    skipped: tests/cli/packscan.sh because the lane mingw compares packscan with this" \
        "system's"
    step "smmap.exe reads and finds" command_reads
    step "the static library and a static APR" static_build
    step "cmake --install" cmake --install "$build"
    step "find_package: a project outside the tree" \
        cmake_consumer outside "$prefix" wine "$source/README.md" $toolchain
    wine_end
    rm -rf "$prefix"
    return $answer
}
