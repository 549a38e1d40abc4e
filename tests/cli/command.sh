#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The command `smmap`, as a user runs it: what it prints, its exit codes, its limits.
#
# Reads SMMAP (the program; default ./smmap) from the environment. What cannot be tested
# on this machine is named, with the reason. Random data come from a fixed seed.
# shellcheck source-path=SCRIPTDIR disable=SC2015,SC2154,SC2317
# SC2015: `a && b || fail` is meant. SC2317: check() calls the functions.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/lib.sh"
. "$here/command/helpers.sh"

: "${SMMAP:=./smmap}"
program=$(locate "$SMMAP") || { echo "command.sh: there is no program $SMMAP" >&2; exit 1; }
SMMAP=$program
test -x "$SMMAP" || { echo "command.sh: $SMMAP is not a program" >&2; exit 1; }

LC_ALL=C
export LC_ALL
make_work command
cd "$work" || exit 1
mkdir t
out=$work/out
err=$work/err

. "$here/command/mistakes.sh"

. "$here/command/completion.sh"

# --- facts ----------------------------------------------------------------------

granule=$("$SMMAP" info --json t/hello | sed -n 's/.*"granularity":\([0-9]*\).*/\1/p')
test "$granule" -gt 0 2>/dev/null || { echo "command.sh: no granularity from info --json"; exit 1; }

test_greatest_window()
{
    local most=9223372036854775807
    run info --window-size 18446744073709551615 t/hello
    grep -q 'the greatest' "$err" || most=2147483647 # a program of 32 bits
    most=$((most - granule))
    run info --window-size "$most" t/hello
    is_code 0 || return 1
    complains "'$((most + 1))' is too large; the greatest is $most\$" \
        info --window-size $((most + 1)) t/hello
}
check "the greatest window, and what is said of one that is greater" test_greatest_window

. "$here/command/cat.sh"

# --- errors in files, the others are still done -------------------------------------

test_bad_files()
{
    run cat t/hello t/missing t t/hello
    is_code 2 && says 't/missing: No such file' && says '^smmap: t: is a directory' &&
        test "$(cat "$out")" = 'hello worldhello world'
}
check "cat goes on after files that cannot be read" test_bad_files
check "find goes on, and gives 2" gives 2 't/hello:4' find 'o w' t/missing t/hello
check "find -q gives 0 in spite of an error" gives 2 '' find -q 'zzz' t/missing t/hello
test_quiet()
{
    run find -q hello t/missing t/hello
    is_code 0 && test ! -s "$out"
}
check "find -q gives 0 when there is a match, in spite of an error" test_quiet
test_no_messages()
{
    run find -s hello t/missing t/hello
    is_code 2 && test ! -s "$err" && test "$(cat "$out")" = 't/hello:0'
}
check "find -s" test_no_messages
test_info_goes_on()
{
    run info t/missing t/hello t
    is_code 2 && grep -q '  t/hello$' "$out" && says missing && says 'is a directory'
}
check "info goes on after files that cannot be read" test_info_goes_on

if mkfifo t/fifo 2>/dev/null; then
    check "a FIFO without a writer is refused, and does not block" \
        complains 'not a regular file' cat t/fifo
else
    skip "a FIFO" "mkfifo cannot make one here"
fi
if [ -c /dev/null ]; then
    check "a device is refused" complains 'not a regular file' cat /dev/null
else
    skip "a device" "there is no /dev/null"
fi

printf 'secret' >t/secret
chmod 000 t/secret
chmod 755 "$work" t
if [ "$(id -u)" -ne 0 ]; then
    check "a file without permission" complains 'ermission' cat t/secret
elif setpriv --reuid=65534 --clear-groups "$SMMAP" --version >/dev/null 2>&1; then
    test_permission()
    {
        setpriv --reuid=65534 --clear-groups "$SMMAP" cat t/secret >"$out" 2>"$err"
        code=$?
        is_code 2 && says 'ermission' && test ! -s "$out"
    }
    check "a file without permission" test_permission
else
    skip "a file without permission" "root may read all, and setpriv cannot run $SMMAP as another"
fi

. "$here/command/info.sh"
. "$here/command/find.sh"

# --- limits and statistics -----------------------------------------------------------

test_limits()
{
    for limits in "" --hard-limits; do
        # shellcheck disable=SC2086 # none or one word
        run find --stats $limits --window-size "$granule" --max-memory $((granule * 2)) \
            --max-regions 2 -c zzzzzz t/noise
        test "$code" -le 1 && counted peak_mapped_bytes -le $((granule * 2)) &&
            counted peak_regions -eq 2 && counted maps -eq 10 && counted evictions -eq 8 &&
            counted over_limit -eq 0 && counted limit_failures -eq 0 || return 1
    done
}
check "the limits hold, and --stats shows it" test_limits

test_stats()
{
    run cat --stats t/hello
    is_code 0 && test "$(cat "$out")" = 'hello world' || return 1
    header=$here/../../include/smmap/manager.h
    test -f "$header" || { echo "no $header"; return 1; }
    names=$(sed -n '/^typedef struct smmap_stats_t/,/^}/s/^ *apr_[a-z0-9_]* \([a-z_]*\);.*/\1/p' \
        "$header" | grep -v '^struct_size$')
    test "$(echo "$names" | wc -l)" -ge 25 || { echo "names: $names"; return 1; }
    for name in $names; do
        test "$(counter "$name")" != none || { echo "no $name"; return 1; }
    done
    counted opens -eq 1 && counted maps -eq 1 && counted misses -eq 1 && counted cursors -eq 0
}
check "--stats prints all that manager.h counts" test_stats

test_trace()
{
    SMMAP_TRACE=$work/trace run cat --offset 1 t/hello
    is_code 0 && test ! -s "$err" || return 1
    {
        echo '# smmap trace 1'
        echo "1 0 use $work/t/hello"
        echo "1 10 read"
    } | cmp - "$work/trace" || return 1
    SMMAP_TRACE=$work/none/trace run cat t/hello
    is_code 0 && cmp "$out" t/hello && says 'SMMAP_TRACE cannot be written' || return 1
    # The only block fails: the file is longer already than it may become.
    dd if=/dev/zero of="$work/full" bs=1024 count=256 2>/dev/null
    (
        ulimit -f 128 2>/dev/null || exit 0 # blocks of 512 or 1024 bytes; not everywhere
        SMMAP_TRACE=$work/full run cat t/hello
        is_code 0 && cmp "$out" t/hello && says 'SMMAP_TRACE cannot be written'
    )
}
check "SMMAP_TRACE records what is asked for, or it is said" test_trace

test_many()
{
    mkdir t/many
    i=0
    while [ "$i" -lt 1000 ]; do
        echo "file $i needle" >"t/many/$i"
        i=$((i + 1))
    done
    run find --stats --max-open-files 4 --hard-limits --max-regions 8 -l needle t/many/*
    is_code 0 && test "$(wc -l <"$out")" -eq 1000 && counted opens -ge 1000 &&
        counted peak_open_files -le 4 && counted peak_regions -le 8 && counted over_limit -eq 0
}
check "1000 files with 4 open at a time" test_many

test_static_limit()
{
    run cat --mode static --max-memory "$granule" --stats t/noise
    is_code 0 && cmp "$out" t/noise && counted over_limit -ge 1 || return 1
    run cat --mode static --max-memory "$granule" --hard-limits t/hello t/noise t/hello
    is_code 2 && says 't/noise: .*limit of mapped bytes' &&
        test "$(cat "$out")" = 'hello worldhello world'
}
check "a file larger than the limit in static mode: over the soft one, refused by the hard one" \
    test_static_limit

# --- where the current directory has no path -----------------------------------------------

test_directory_gone()
{
    mkdir t/gone &&
        (cd t/gone && rmdir "$work/t/gone" && test "$("$SMMAP" cat ../hello)" = 'hello world')
}
if mkdir t/try && (cd t/try && rmdir "$work/t/try" 2>/dev/null && test -r ../hello); then
    check "a file beside a directory that was removed" test_directory_gone
else
    skip "a file beside a directory that was removed" "it has no parent any more"
fi
test_directory_deep()
(
    name=$(printf '%0250d' 0)
    mkdir t/deep && cd t/deep || return 1
    i=0
    while [ $i -lt 18 ]; do
        mkdir "$name" && { cd -P "$name" 2>/dev/null || cd "$name"; } || return 1
        i=$((i + 1))
    done
    printf 'hello deep' >f && test "$("$SMMAP" cat f)" = 'hello deep'
)
check "a file below a directory that is too deep for a path" test_directory_deep
rm -rf t/deep

# --- large files ------------------------------------------------------------------------

# 1 TiB and a byte: its pages are not asked about one by one.
test_info_sparse()
{
    run info --stats t/sparse
    is_code 0 && grep -q '^  *1.00 TiB  *unknown  *-  *1.00 TiB .* t/sparse$' "$out" &&
        counted maps -le 8
}
if put t/sparse 1099511627776 x && [ "$(du -k t/sparse | cut -f 1)" -lt 1048576 ]; then
    check "info of a sparse file of more than 1 TiB asks about no page" test_info_sparse
else
    skip "info of a sparse file of more than 1 TiB" "the file system has no holes, or no room"
fi
rm -f t/sparse

gib4=4294967296
test_large()
{
    put t/large $((gib4 - 3)) border &&
        put t/large $((gib4 + 1073741824 - 8)) thelast8 &&
        gives 0 'thelast8' cat --offset -8 t/large &&
        gives 0 'border' cat --offset $((gib4 - 3)) --length 6 t/large &&
        gives 0 't/large:4294967293' find --offset 4294963200 --length 8K border t/large &&
        gives 0 't/large:5368709112' find --offset -1M thelast8 t/large || return 1
    run cat --stats --max-memory 16M --offset -40M t/large
    is_code 0 && test "$(wc -c <"$out")" -eq 41943040 && tail -c 8 "$out" | grep -q '^thelast8$' &&
        counted peak_mapped_bytes -le 16777216 && counted over_limit -eq 0 || return 1
    run info --json --window-size 1M t/large
    is_code 0 && test "$(field size)" = 5368709120 && test "$(field windows)" = 5120
}
if put t/large 5368709119 x && [ "$(du -k t/large | cut -f 1)" -lt 1048576 ]; then
    check "a file of 5 GiB: at its end, and across 4 GiB" test_large
else
    skip "a file of 5 GiB" "the file system has no holes, or no room"
fi
rm -f t/large

. "$here/command/faults.sh"
. "$here/command/end.sh"

finish
