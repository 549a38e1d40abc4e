#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What leaves the library is what the headers declare and tests/package/exports.txt lists:
# no function less, and no symbol more. And what it calls of others has been made to fail.
#
# Reads top_srcdir, NM, and SMMAP_LIBDIR (where the libraries are) from the environment, as
# `make check` and ctest set them.
# shellcheck disable=SC2086  # NM may carry options
# shellcheck disable=SC2317 # check() calls the functions
set -eu

: "${top_srcdir:=.}" "${SMMAP_LIBDIR:=${top_builddir:-.}/.libs}" "${NM:=nm}"
# shellcheck source=../support/lib.sh source-path=SCRIPTDIR
. "$top_srcdir/tests/support/lib.sh"

make_work exports

# Names of the functions that are marked SMMAP_API: comments and preprocessor lines away,
# then what stands before the first parenthesis of each declaration.
declared()
{
    cat "$top_srcdir"/include/smmap/*.h | awk '
        /^[ \t]*#/ { while (/\\$/) if ((getline) <= 0) exit; next }
        { text = text " " $0 }
        END {
            while ((start = index(text, "/*")) > 0) {
                rest = substr(text, start + 2)
                text = substr(text, 1, start - 1) " " substr(rest, index(rest, "*/") + 2)
            }
            count = split(text, part, /SMMAP_API/)
            for (i = 2; i <= count; i++) {
                name = part[i]
                sub(/[ \t]*\(.*/, "", name)
                sub(/.*[^A-Za-z0-9_]/, "", name)
                print name
            }
        }' | LC_ALL=C sort
}

# Every kind of symbol counts, data too. The linker itself exports a few names on some
# systems, also those of versions, and so do the sanitizers for each variable.
exported()
{
    case "$1" in
    # A library that imports has each name twice: as it is called, and where its address is.
    *.dll.a) $NM -g "$1" 2>/dev/null | awk 'NF == 3 && $2 == "T" { print $3 }' |
        sed 's/^_\(smmap_\)/\1/' ;;
    *.dylib) $NM -gU "$1" | awk '{ print $NF }' | sed 's/^_//' ;;
    *) $NM -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' ;;
    esac | grep -Ev '^(_init|_fini|_edata|_end|__bss_start|__odr_asan.*|SMMAP_[0-9.]+)$' |
        LC_ALL=C sort
}

# Names with external linkage in the static library: it has no way to hide them, so all of
# them have to be in the name space of the library. (.refptr.NAME is where gcc for Windows
# puts the address of somebody else's variable.)
foreign()
{
    $NM -g "$1" 2>/dev/null | awk 'NF == 3 && $2 ~ /^[A-TV-Z]$/ { print $3 }' |
        sed 's/^_\(smmap_\)/\1/' |
        grep -Ev '^(smmap_|\.refptr\.|__odr_asan|__asan_|__ubsan_|_*x86\.get_pc_thunk)' |
        LC_ALL=C sort -u
}

# What the static library, whose symbols are in $work/static, calls and neither is wrapped by
# suite-wrap nor cannot fail.
unforeseen()
{
    sed -n 's/^--wrap=//p' "$top_srcdir"/tests/wrap/wrapped*.txt >"$work/foreseen"
    grep -v '^#' "$top_srcdir/tests/wrap/unfailing.txt" >>"$work/foreseen"
    awk 'NR == FNR || NF == 3 { known[$NF] = 1; next }
         NF == 2 && $1 ~ /^[UwW]$/ && $2 !~ /^_/ { called[$2] = 1 }
         END { for (name in called) if (!(name in known)) { print name; bad = 1 }; exit bad }' \
        "$work/foreseen" "$work/static"
}

# Each name with its version, as the list has it and as an ELF library has it.
versions_listed()
{
    awk '/^# SMMAP_[0-9.]+$/ { node = $2 } /^smmap_/ { print $1 "@@" node }' \
        "$top_srcdir/tests/package/exports.txt" | LC_ALL=C sort
}

versions_in()
{
    readelf -W --dyn-syms "$1" | awk '$7 != "UND" && $8 ~ /^smmap_/ { print $8 }' | LC_ALL=C sort
}

same()
{
    diff -u "$1" "$2" && test -s "$1"
}

no_foreign()
{
    foreign "$1" >"$work/foreign"
    test "$(wc -l <"$work/static" | tr -d ' ')" -gt 0 || { echo "nm shows no symbols"; return 1; }
    test -s "$work/foreign" || return 0
    echo "not in the name space of the library:"
    cat "$work/foreign"
    return 1
}

grep -v '^#' "$top_srcdir/tests/package/exports.txt" | LC_ALL=C sort >"$work/listed"
declared >"$work/declared"

check "tests/package/exports.txt lists what the headers declare (-listed +declared)" \
    same "$work/listed" "$work/declared"

library=
for file in "$SMMAP_LIBDIR/libsmmap.so" "$SMMAP_LIBDIR/libsmmap.dylib" \
    "$SMMAP_LIBDIR/libsmmap.dll.a"; do
    test ! -f "$file" || library=$file
done
if [ -n "$library" ]; then
    exported "$library" >"$work/exported"
    check "the shared library exports what the headers declare (-declared +exported)" \
        same "$work/declared" "$work/exported"
    versions_listed >"$work/versions"
    case $library in
    *.so)
        versions_in "$library" >"$work/versions_in"
        check "each name has the version that the list gives it (-listed +exported)" \
            same "$work/versions" "$work/versions_in"
        ;;
    *) skip "versions of names" "only ELF has them" ;;
    esac
else
    skip "exports of the shared library" "it was not built"
fi

archive=$SMMAP_LIBDIR/libsmmap.a
if [ -f "$archive" ]; then
    $NM -g "$archive" >"$work/static" 2>/dev/null
    check "the static library keeps to names that begin with smmap_" no_foreign "$archive"
    if printf '#include <features.h>\n#ifdef __GLIBC__\nit_is_glibc\n#endif\n' |
        ${CC:-cc} -E - 2>/dev/null | grep -q it_is_glibc && grep -q ' U open' "$work/static"; then
        check "what the library calls is in wrapped.txt or unfailing.txt of tests/wrap" \
            unforeseen
    else
        skip "what the library calls" "suite-wrap is for the GNU C library"
    fi
else
    skip "names in the static library" "it was not built"
fi

finish
