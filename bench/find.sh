#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Measure `smmap find` beside grep and ripgrep, and print a table. See bench/find.sh --help.

# shellcheck disable=SC2034 # by_grep and the like are used by name
set -u

usage()
{
    cat <<USAGE
usage: bench/find.sh [REPETITIONS]

Searches a file of 512 MiB, and 10000 files of 3000 bytes, which are made in \$TMPDIR and are in
memory then. \$SMMAP is the command to measure (default: smmap), which should be an installed one:
that in a build directory may be a script. The programs take turns, REPETITIONS times (9). Wall and
processor time of a run in milliseconds, medians; ratios are medians of the ratios within each turn.
Run nothing else meanwhile; as root, chrt gives the programs priority over what else runs.
Exit codes: 0 all was measured, 2 something was wrong.
USAGE
}

stop()
{
    echo "bench/find.sh: $1" >&2
    exit 2
}

repetitions=${1:-9}
case "$repetitions" in
--help | -h)
    usage
    exit 0
    ;;
0 | *[!0-9]*)
    usage >&2
    exit 2
    ;;
esac
smmap=${SMMAP:-smmap}
for program in "$smmap" grep rg; do
    command -v "$program" >/dev/null || stop "there is no $program"
done
work=$(mktemp -d) || stop "cannot make a directory"
trap 'rm -rf "$work"' EXIT
first=
chrt -f 20 true 2>/dev/null && first="chrt -f 20"
export LC_ALL=C
cd "$work" || exit 2

# Lines of a log, from a fixed seed: 8 MiB, 64 times.
awk 'BEGIN {
    srand(4)
    for (i = 0; i < 4000; i++) {
        word = ""
        for (n = 2 + int(rand() * 8); n > 0; n--)
            word = word substr("etaoinshrdlucmfwypvbgk", 1 + int(rand() * 22), 1)
        words[i] = word
    }
    while (size < 8388608) {
        line = sprintf("2026-11-%02dT%02d:%02d w%d", 1 + int(rand() * 28), int(rand() * 24),
            int(rand() * 60), int(rand() * 1000))
        for (n = 3 + int(rand() * 12); n > 0; n--)
            line = line " " words[int(rand() * 4000)]
        print line
        size += length(line) + 1
    }
}' >block || stop "cannot write $work/block"
for _ in {1..64}; do cat block; done >large || stop "cannot write $work/large"
echo "the needle's end" >>large
mkdir small
head -c 30000000 large | split -b 3000 -a 4 - small/ || stop "cannot write $work/small"
cat large small/* >/dev/null

# once COMMAND...: wall and processor time of a run in milliseconds.
once()
{
    local TIMEFORMAT='%3R %3U %3S'
    # shellcheck disable=SC2086 # two words, or none
    { time $first "$@" >out 2>/dev/null; } 2>&1 |
        awk '{ printf "%d %d\n", $1 * 1000, ($2 + $3) * 1000 }'
}

median()
{
    sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# row WHAT: the table's row for the commands in the array of each program.
row()
{
    local program
    rm -f times.*
    for ((i = 0; i <= repetitions; i++)); do
        for program in smmap grep rg; do
            local -n command=by_$program
            once "${command[@]}" >>times.$program
        done
        ((i > 0)) || rm -f times.* # the first run warms up
    done
    printf '| %s |' "$1"
    for program in smmap grep rg; do
        printf ' %s (%s) |' "$(cut -d ' ' -f 1 times.$program | median)" \
            "$(cut -d ' ' -f 2 times.$program | median)"
    done
    for program in grep rg; do
        printf ' %s |' "$(paste -d ' ' times.smmap times.$program |
            awk '{ printf "%.2f\n", $1 / ($3 > 0 ? $3 : 1) }' | median)"
    done
    echo
}

echo "| | smmap find | grep | rg | to grep | to rg |"
echo "| --- | --- | --- | --- | --- | --- |"
for pattern in needle T12: zqzqzq w1234; do
    by_smmap=("$smmap" find -h "$pattern" large)
    by_grep=(grep -abo "$pattern" large)
    by_rg=(rg --mmap -abo --no-unicode "$pattern" large)
    row "\`$pattern\`: $("$smmap" find -hc "$pattern" large) in 512 MiB"
done
by_smmap=("$smmap" find -r w123 small)
by_grep=(grep -rabo w123 small)
by_rg=(rg -j1 -uuu -abo --no-unicode w123 small)
row "\`w123\` in $(find small -type f | wc -l) small files"
