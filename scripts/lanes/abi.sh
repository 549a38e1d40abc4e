# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the binary interface, against that of the last release (tests/package/libsmmap-*.abi)"
lane_things="compiler make autotools pkg-config apr abidw"

lane_possible()
{
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        echo "the interface that is kept is that of Linux on x86-64"
        return 1
    fi
}

# What a program sees of the library, without places on this machine.
dump()
{
    abidw --no-show-locs --no-comp-dir-path --no-corpus-path --no-elf-needed \
        --no-parameter-names --no-write-default-sizes --type-id-style hash \
        --exported-interfaces-only --drop-undefined-syms \
        --drop-private-types --headers-dir "$source/include/smmap" \
        "$programs/.libs/libsmmap.so" >"$build/raw" &&
        sed "s,path='[^']*/source/,path=',; s/ visibility='default'//; s/ access='public'//" \
            "$build/raw" >"$1" && grep -q "elf-symbol-id='smmap_cursor_use@" "$1"
}

lane_run()
{
    local kept now
    kept=$(echo "$source"/tests/package/libsmmap-*.abi)
    now=$build/libsmmap.abi
    native_build libsmmap.la && step "the interface can be read" dump "$now" || return 1
    say "compared with ${kept##*/}; what is there now: $now"
    step "nothing was changed or removed" abidiff --no-added-syms "$kept" "$now"
    abidiff "$kept" "$now" | sed -n 's/^ *\[A\] //p' | while read -r name; do
        say "    added: $name"
    done
}
