# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="Debian packages: build, lintian; install, test and remove them in a fresh system"
lane_things="compiler make autotools pkg-config apr cunit git debhelper dh_python3 python lintian
    mmdebstrap"

lane_possible()
{
    if ! has_commands apt-get dpkg; then
        echo "dpkg-buildpackage is for Debian and what is made of it"
        return 1
    elif [ "$(id -u)" -ne 0 ]; then
        echo "only root can install packages, in a chroot too"
        return 1
    fi
}

# In a copy in which nothing was made yet, not even configure. The source package is made as well,
# so that lintian sees it.
build_packages()
{
    mkdir -p "$tree" && tar -C "$source" -cf - -T "$work/source.list" | tar -C "$tree" -xpf - &&
        (cd "$tree" && dpkg-buildpackage -us -uc -j"$jobs")
}

# make_system DIRECTORY: a small system of the same release, from the same mirror, with what the
# smoke test needs. apt keeps what the packages depend on, so that only this uses the network.
# shellcheck disable=SC2016 # mmdebstrap says what $1 is
make_system()
{
    apt_lines deb libc6 || return 1
    apt-config dump | grep -E '^Acquire::(Check|Retries|https?:)' >apt.conf
    mkdir -p "$1"
    try_often mmdebstrap --mode=root --variant=apt --aptopt=apt.conf --include="$needed" \
        --skip=cleanup/apt --customize-hook='chroot "$1" apt-get clean' \
        --customize-hook='chroot "$1" apt-get install -y -d --no-install-recommends libapr1-dev' \
        "$suite" "$1/system.tar.gz" sources.list
}

# inside COMMAND...: in the fresh system.
inside()
{
    env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$root" "$@"
}

# All files, but for the logs and caches of apt and dpkg.
files_in_system()
{
    (cd "$root" && find . -path ./var/log -prune -o -path ./var/cache -prune -o \
        -path ./var/lib/apt -prune -o -print | LC_ALL=C sort)
}

fresh_system()
{
    rm -rf "$root"
    mkdir -p "$root" && tar -C "$root" -xpf "$cache/system.tar.gz" &&
        files_in_system >"$build/files.before"
}

install_debs()
{
    local debs
    mkdir "$root/debs" && cp "$build"/*.deb "$root/debs" && rm "$root"/debs/*-dbgsym_* || return 1
    debs=$(cd "$root" && echo ./debs/*.deb)
    # A list of words. The lists of a system that was kept may be too old for the mirror.
    # shellcheck disable=SC2086
    inside apt-get install -y --no-install-recommends $debs ||
        { inside apt-get update &&
            inside apt-get install -y --no-install-recommends $debs; }
}

# shellcheck disable=SC2016 # the shell inside expands it
smoke_test()
{
    mkdir -p "$root/tree/out" &&
        tar -C "$tree" -cf - debian/tests tests/package/consumer | tar -C "$root/tree" -xf - &&
        inside sh -c 'cd tree && AUTOPKGTEST_TMP=$PWD/out debian/tests/smoke'
}

purged()
{
    inside apt-get purge -y --autoremove libsmmap0 libsmmap-dev smmap python3-smmap-native &&
        rm -rf "$root/debs" "$root/tree" &&
        files_in_system | diff "$build/files.before" - && test -s "$build/files.before"
}

lane_run()
{
    local tree=$build/tree root=$build/root suite needed cache
    . "$top/scripts/lib/sources.sh"
    suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    needed=$(sed -n 's/^Depends: @, //p' "$source/debian/tests/control" | tr -d ' ')
    cache=$(source_cache system "$suite" "$(dpkg --print-architecture)" "${needed//,/-}")
    rm -rf "$tree" "$root" "$build"/*.deb "$build"/libsmmap_*

    say "building the packages, with a part of the tests"
    step "dpkg-buildpackage" build_packages || return 1
    step "lintian" lintian --allow-root --display-info --pedantic --fail-on error,warning \
        "$build"/libsmmap_*.changes
    built_once "$cache" "a fresh system" make_system "$cache" && fresh_system || return 1
    step "the packages can be installed" install_debs || return 1
    step "smoke test" smoke_test
    step "nothing is left of what was removed" purged
    rm -rf "$tree" "$root"
}
