# shellcheck shell=bash
# APR and CUnit as 32-bit libraries for x86 Linux. Distributions have them for 64 bit
# alone, unless a second architecture is added to the package manager, which we do not
# do to somebody's machine. They are built from the source packages once, and kept
# outside the tree.

# m32_prefix: where they are or will be. The versions are in the name.
m32_prefix()
{
    local apr cunit cache=${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}
    if ! apr=$(dpkg-query -W -f '${Version}' libapr1-dev 2>/dev/null) ||
        ! cunit=$(dpkg-query -W -f '${Version}' libcunit1-dev 2>/dev/null); then
        echo "m32: the packages libapr1-dev and libcunit1-dev tell which versions to build;" >&2
        echo "m32: they are not installed" >&2
        return 1
    fi
    echo "$cache/libsmmap/m32-$(echo "apr-$apr-cunit-$cunit-gcc-$(gcc -dumpversion)" | tr -d '~:+')"
}

# m32_libraries PREFIX: build them there, unless they are there. A file that is made last
# tells so: a build that was interrupted is never taken for a finished one.
m32_libraries()
{
    local prefix=$1 dir
    test ! -f "$prefix/complete" || return 0
    rm -rf "$prefix"
    say "building APR and CUnit for 32 bit (once; kept in $prefix)"
    dir=$(mktemp -d "${TMPDIR:-/tmp}/smmap-m32.XXXXXX") || return 1
    if (cd "$dir" && m32_download && m32_build_apr "$prefix" && m32_build_cunit "$prefix"); then
        rm -rf "$dir"
        touch "$prefix/complete"
    else
        rm -rf "$dir" "$prefix"
        return 1
    fi
}

# m32_download: the original archives of both, checked by apt. Most systems have no list
# of source packages, so apt is given one of its own, in a directory of its own: nothing
# of the system changes, and it needs no root.
m32_download()
{
    local keyring options
    mkdir -p lists/partial cache/archives/partial
    for keyring in /usr/share/keyrings/debian-archive-keyring.gpg \
        /usr/share/keyrings/ubuntu-archive-keyring.gpg; do
        test ! -f "$keyring" || break
    done
    # "500 http://deb.debian.org/debian bookworm/main amd64 Packages"
    apt-cache policy libapr1-dev libcunit1-dev | sed -n \
        's,^ *-*[0-9][0-9]* \([a-z].*\) \([^ /]*\)/\([^ ]*\) [a-z0-9]* Packages$,\1 \2 \3,p' |
        sort -u | while read -r uri suite component; do
        echo "deb-src [signed-by=$keyring] $uri $suite $component"
    done >sources.list
    if [ ! -s sources.list ]; then
        echo "m32: apt does not know where libapr1-dev and libcunit1-dev come from" >&2
        return 1
    fi
    options="-o Dir::Etc::sourcelist=$PWD/sources.list -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists=$PWD/lists -o Dir::Cache=$PWD/cache -o APT::Sandbox::User="
    # shellcheck disable=SC2086
    {
        try_often apt-get $options update &&
            try_often apt-get $options source --download-only apr cunit
    } || return 1
    rm -f ./*.asc
    mkdir apr cunit &&
        tar -xf apr_*.orig.tar.* -C apr --strip-components=1 &&
        tar -xf cunit_*.orig.tar.* -C cunit --strip-components=1
}

# setarch makes configure believe in a 32-bit machine; with --host it would be a cross build.
m32_build_apr()
{
    mkdir apr-build
    (cd apr-build &&
        setarch i686 ../apr/configure CC="gcc -m32" CFLAGS="-O2 -g" --prefix="$1" \
            --disable-static &&
        make -j "$jobs" && make install)
}

# CUnit's own makefiles want one certain version of automake; it has eight files.
m32_build_cunit()
{
    local root=cunit version
    test -d "$root/Sources" || root=cunit/CUnit
    version=$(echo cunit_*.orig.tar.* | sed 's/cunit_\([0-9.-]*[0-9]\).*/\1/')
    mkdir cunit-build
    (cd cunit-build && for file in "../$root"/Sources/{Automated,Basic,Console,Framework}/*.c; do
        gcc -m32 -O2 -g -w -fPIC -I"../$root/Headers" -DVERSION="\"$version\"" -c "$file" || exit 1
    done) || return 1
    test -f cunit-build/Util.o &&
        mkdir -p "$1/lib" "$1/include/CUnit" &&
        ar rcs "$1/lib/libcunit.a" cunit-build/*.o &&
        cp "$root"/Headers/*.h "$1/include/CUnit/"
}
