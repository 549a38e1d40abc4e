# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What a build needs, and how to get it: source this file, then call
#
#     need_packages THING...
#
# A THING is a name of the table below, not of a package. What is there already is
# left alone, whoever installed it. The rest is installed with apt-get, dnf or brew
# (with sudo when needed and there). Where that cannot be done, it is said what to
# install, and the answer is 2. Works with bash 3.2.

# has_thing THING: is it there, and does it work?
has_thing()
{
    case "$1" in
    compiler) compiles "${CC:-cc}" c '#include <stdio.h>' ;;
    c++) compiles "${CXX:-c++}" cpp '#include <cstdio>' || compiles g++ cpp '#include <cstdio>' ;;
    gcc) compiles gcc c '#include <stdio.h>' && compiles g++ cpp '#include <cstdio>' ;;
    clang) compiles clang c '#include <stdio.h>' && compiles clang++ cpp '#include <cstdio>' ;;
    autotools)
        has_commands autoconf automake aclocal m4 &&
            { has_commands libtoolize || has_commands glibtoolize; } ;;
    apr) has_commands apr-1-config || has_module apr-1 || test -n "$(brew_prefix apr)" ;;
    cunit) has_module cunit || compiles "${CC:-cc}" c '#include <CUnit/CUnit.h>' ||
        test -n "$(brew_prefix cunit)" ;;
    zlib) compiles "${CC:-cc}" c '#include <zlib.h>' ;;
    libfuzzer) fuzzes ;;
    m32)
        compiles "gcc -m32" c '#include <stdio.h>' && compiles "g++ -m32" cpp '#include <cstdio>' ;;
    m32-zlib) links "gcc -m32" -lz ;;
    clang-cl) has_commands "clang-cl-$(llvm_version)" || has_commands clang-cl ;;
    libc++) test -f "/usr/lib/llvm-$(llvm_version)/include/c++/v1/optional" ;;
    lld) has_commands lld-link || has_commands "lld-link-$(llvm_version)" ;;
    llvm) has_commands llvm-lib || has_commands "llvm-lib-$(llvm_version)" ;;
    musl) has_commands musl-gcc ;;
    aarch64) links "clang --target=aarch64-linux-gnu" -lc ;;
    s390x) links "clang --target=s390x-linux-gnu" -lc ;;
    armhf) links "clang --target=arm-linux-gnueabihf" -lc ;;
    qemu-user) has_commands qemu-aarch64 qemu-s390x qemu-arm ;;
    mingw) has_commands x86_64-w64-mingw32-gcc i686-w64-mingw32-gcc ;;
    mingw-c++) compiles x86_64-w64-mingw32-g++-posix cpp '#include <thread>' ;;
    mingw-zlib) links x86_64-w64-mingw32-gcc -lz && links i686-w64-mingw32-gcc -lz ;;
    wine) has_commands wine wineserver ;;
    wine-headers) test -f /usr/include/wine/wine/windows/windows.h ;;
    tsan) links "${CC:-cc}" -fsanitize=thread ;;
    python) python_imports venv ensurepip setuptools wheel pip && python_has_headers ;;
    pytest) python_imports pytest ;;
    sources) has_commands apt-get bzip2 tar setarch ;;
    fuse3) has_module fuse3 ;;
    http-parser) compiles "${CC:-cc}" c '#include <http_parser.h>' ;;
    pcre2) has_module libpcre2-8 ;;
    debhelper)
        has_commands dh dpkg-buildpackage && dpkg -s build-essential >/dev/null 2>&1 ;;
    shells) has_commands zsh fish ;;
    ext4) has_commands mkfs.ext4 losetup unshare || test -x /sbin/mkfs.ext4 ;;
    *) has_commands "$1" ;;
    esac
}

# packages_of MANAGER THING: the names of the packages that bring it.
packages_of()
{
    case "$1:$2" in
    apt:compiler) echo gcc libc6-dev ;;
    apt:c++) echo g++ ;;
    apt:gcc) echo gcc g++ libc6-dev ;;
    apt:clang) echo clang ;;
    apt:autotools) echo autoconf automake libtool m4 ;;
    apt:apr) echo libapr1-dev ;;
    apt:cunit) echo libcunit1-dev ;;
    apt:zlib) echo zlib1g-dev ;;
    apt:groff) echo groff-base ;;
    apt:ps) echo procps ;;
    apt:valgrind) echo valgrind libc6-dbg ;;
    apt:libfuzzer) echo clang "libclang-rt-$(apt_clang_version)-dev" ;;
    apt:m32) echo gcc-multilib g++-multilib ;;
    apt:tsan) echo gcc libc6-dev ;;
    apt:m32-zlib) echo lib32z1-dev ;;
    apt:musl) echo musl-tools musl-dev linux-libc-dev ;;
    apt:aarch64) echo binutils-aarch64-linux-gnu libc6-dev-arm64-cross libgcc-12-dev-arm64-cross ;;
    apt:s390x) echo binutils-s390x-linux-gnu libc6-dev-s390x-cross libgcc-12-dev-s390x-cross ;;
    apt:armhf)
        echo binutils-arm-linux-gnueabihf libc6-dev-armhf-cross libgcc-12-dev-armhf-cross ;;
    apt:clang-cl) echo clang-tools ;;
    apt:libc++) echo "libc++-$(apt_clang_version)-dev" ;;
    apt:mingw) echo gcc-mingw-w64-x86-64-win32 gcc-mingw-w64-i686-win32 ;;
    apt:mingw-c++) echo g++-mingw-w64-x86-64-posix ;;
    apt:mingw-zlib) echo libz-mingw-w64-dev ;;
    apt:wine) echo wine wine64 ;;
    apt:wine-headers) echo libwine-dev ;;
    apt:ninja) echo ninja-build ;;
    apt:sources) echo bzip2 tar util-linux ;;
    apt:python) echo python3-dev python3-venv python3-setuptools python3-wheel python3-pip ;;
    apt:pytest) echo python3-pytest ;;
    apt:fuse3) echo fuse3 libfuse3-dev ;;
    apt:http-parser) echo libhttp-parser-dev ;;
    apt:pcre2) echo libpcre2-dev ;;
    apt:debhelper) echo debhelper dpkg-dev build-essential ;;
    apt:dh_python3) echo dh-python ;;
    apt:abidw) echo abigail-tools ;;
    apt:rpmbuild | apt:rpm2cpio) echo rpm rpm2cpio ;;
    apt:shells) echo bash-completion zsh fish ;;
    apt:ext4) echo e2fsprogs mount util-linux ;;
    dnf:compiler) echo gcc glibc-devel ;;
    dnf:c++) echo gcc-c++ ;;
    dnf:gcc) echo gcc gcc-c++ glibc-devel ;;
    dnf:autotools) echo autoconf automake libtool m4 ;;
    dnf:pkg-config) echo pkgconf-pkg-config ;;
    dnf:ninja) echo ninja-build ;;
    dnf:apr) echo apr-devel ;;
    dnf:cunit) echo CUnit-devel ;;
    dnf:tsan) echo gcc libtsan ;;
    dnf:python) echo python3-devel python3-setuptools python3-wheel python3-pip ;;
    dnf:pytest) echo python3-pytest ;;
    dnf:fuse3) echo fuse3 fuse3-devel ;;
    dnf:shells) echo bash-completion zsh fish ;;
    dnf:ext4) echo e2fsprogs util-linux ;;
    dnf:abidw) echo libabigail ;;
    dnf:zlib) echo zlib-devel ;;
    brew:compiler | brew:c++ | brew:clang | brew:zlib | brew:tsan)
        echo "(xcode-select --install)"
        ;;
    brew:autotools) echo autoconf automake libtool m4 ;;
    brew:pkg-config) echo pkgconf ;;
    brew:shells) echo fish ;;
    brew:*) echo "$2" ;;
    *) echo "$2" ;;
    esac
}

# llvm_version: the number that Debian adds to the names of LLVM's programs.
llvm_version()
{
    clang -dumpversion 2>/dev/null | sed 's/\..*//'
}

has_commands()
{
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null 2>&1 || return 1
    done
}

has_module()
{
    has_commands pkg-config && pkg-config --exists "$1" 2>/dev/null
}

# system_python: the one that packages of the system are for.
system_python()
{
    test ! -x /usr/bin/python3 || { echo /usr/bin/python3; return 0; }
    echo python3
}

# python_imports MODULE...
python_imports()
{
    "$(system_python)" -c 'import importlib, sys
for name in sys.argv[1:]: importlib.import_module(name)' "$@" >/dev/null 2>&1
}

python_has_headers()
{
    "$(system_python)" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' 2>/dev/null
}

# brew_prefix FORMULA: where Homebrew keeps it, or nothing. APR is not linked into the
# directories that a compiler searches.
brew_prefix()
{
    local prefix
    has_commands brew || return 0
    prefix=$(brew --prefix "$1" 2>/dev/null) || return 0
    test ! -d "$prefix" || echo "$prefix"
}

# compiles COMPILER SUFFIX LINE. COMPILER may carry options, so it is not quoted.
# shellcheck disable=SC2086
compiles()
{
    local work answer=0
    has_commands ${1%% *} || return 1
    work=$(mktemp -d "${TMPDIR:-/tmp}/smmap-probe.XXXXXX") || return 1
    printf '%s\nint probe;\n' "$3" >"$work/probe.$2"
    $1 -c "$work/probe.$2" -o "$work/probe.o" >/dev/null 2>&1 </dev/null || answer=1
    rm -rf "$work"
    return $answer
}

# fuzzes: can clang link a fuzzer?
fuzzes()
{
    local work answer=0
    has_commands clang || return 1
    work=$(mktemp -d "${TMPDIR:-/tmp}/smmap-probe.XXXXXX") || return 1
    echo '#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return data && size > 9; }' \
        >"$work/probe.c"
    clang -fsanitize=fuzzer,address,undefined "$work/probe.c" -o "$work/probe" \
        >/dev/null 2>&1 </dev/null || answer=1
    rm -rf "$work"
    return $answer
}

# apt_clang_version: of the package clang, as it is or would be installed. Debian 12 has 14,
# and so libclang-rt-14-dev.
apt_clang_version()
{
    local version
    version=$(apt-cache depends clang 2>/dev/null |
        sed -n 's/^ *Depends: clang-\([0-9][0-9]*\)$/\1/p' | head -n 1)
    echo "${version:-14}"
}

# links COMPILER LIBRARY
# shellcheck disable=SC2086
links()
{
    local work answer=0
    has_commands ${1%% *} || return 1
    work=$(mktemp -d "${TMPDIR:-/tmp}/smmap-probe.XXXXXX") || return 1
    echo 'int main(void) { return 0; }' >"$work/probe.c"
    $1 "$work/probe.c" "$2" -o "$work/probe" >/dev/null 2>&1 </dev/null || answer=1
    rm -rf "$work"
    return $answer
}

# try_often COMMAND...: mirrors hiccup. Five times, with growing pauses.
try_often()
{
    local try
    for try in 1 2 3 4 5; do
        "$@" && return 0
        test "$try" -lt 5 || break
        echo "failed; next try in $((try * try * 3)) seconds: $*" >&2
        sleep $((try * try * 3))
    done
    return 1
}

# builds_libraries: can a lane build APR and the like for another machine? It says why not.
builds_libraries()
{
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        echo "it is for Linux on x86-64"
        return 1
    elif ! has_commands apt-get; then
        echo "APR, CUnit and zlib are built from the source packages of Debian or Ubuntu"
        return 1
    fi
}

package_manager()
{
    if has_commands apt-get; then
        echo apt
    elif has_commands dnf; then
        echo dnf
    elif has_commands brew; then
        echo brew
    else
        echo none
    fi
}

# missing_packages MANAGER THING...: packages for those that are not there, each once.
missing_packages()
{
    local manager=$1 thing
    shift
    for thing in "$@"; do
        has_thing "$thing" || packages_of "$manager" "$thing"
    done | tr ' ' '\n' | awk 'NF && !seen[$0]++' | tr '\n' ' ' | sed 's/ $//'
}

# as_root COMMAND...: directly or by sudo; without a terminal sudo must not ask.
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

install_packages()
{
    local manager=$1 apt="apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3"
    shift
    # A list of words in $apt.
    # shellcheck disable=SC2086
    case "$manager" in
    apt)
        try_often as_root $apt update </dev/null ||
            echo "apt-get update failed; trying with the lists that are there" >&2
        try_often as_root env DEBIAN_FRONTEND=noninteractive \
            $apt install -y --no-install-recommends "$@" </dev/null
        ;;
    dnf) try_often as_root dnf install -y "$@" </dev/null ;;
    brew) try_often brew install "$@" </dev/null ;;
    esac
}

# Lists for every manager we know, for a reader who has another one.
say_packages()
{
    local manager
    echo "Install these, then run it again:"
    for manager in apt dnf brew; do
        case "$manager" in
        apt) printf '  Debian, Ubuntu:   apt-get install ' ;;
        dnf) printf '  Fedora:           dnf install ' ;;
        brew) printf '  macOS, Homebrew:  brew install ' ;;
        esac
        missing_packages "$manager" "$@"
        echo
    done
}

# need_packages THING...: 0 when all are there in the end, otherwise 2.
need_packages()
{
    local manager packages thing missing="" log
    packages=$(missing_packages apt "$@")
    test -n "$packages" || return 0

    manager=$(package_manager)
    packages=$(missing_packages "$manager" "$@")
    if [ "$manager" = none ]; then
        echo "Not everything that is needed is here, and none of apt-get, dnf and brew is." >&2
        say_packages "$@" >&2
        return 2
    fi
    if [ "$manager" = brew ] &&
        { [ "$(id -u)" -eq 0 ] || [ "${packages#*\(}" != "$packages" ]; }; then
        echo "Not everything that is needed is here, and Homebrew cannot bring it by itself." >&2
        say_packages "$@" >&2
        return 2
    fi
    if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ] && ! has_commands sudo; then
        echo "Not everything that is needed is here, and only root can install it." >&2
        say_packages "$@" >&2
        return 2
    fi

    echo "installing: $packages"
    log=$(mktemp "${TMPDIR:-/tmp}/smmap-install.XXXXXX")
    # A list of words.
    # shellcheck disable=SC2086
    if ! install_packages "$manager" $packages >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "The installation failed." >&2
        say_packages "$@" >&2
        return 2
    fi
    for thing in "$@"; do
        has_thing "$thing" || missing="$missing $thing"
    done
    if [ -n "$missing" ]; then
        tail -n 20 "$log" >&2
        echo "Installed, but still not found or not working:$missing" >&2
        rm -f "$log"
        return 2
    fi
    rm -f "$log"
}

# configure_places: options for configure that tell where Homebrew keeps APR and CUnit;
# nothing elsewhere. One word each, no blanks in them.
configure_places()
{
    local prefix
    has_commands brew || return 0
    prefix=$(brew_prefix apr)
    test -z "$prefix" || ! test -x "$prefix/bin/apr-1-config" ||
        echo "--with-apr=$prefix/bin/apr-1-config"
    prefix=$(brew_prefix cunit)
    test -z "$prefix" || echo "--with-cunit=$prefix"
}
