#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The benchmark, run for moments on small files: not how fast anything is, but that
# everything is measured or named as skipped, that wrong bytes are noticed, that what
# comes out is well-formed, and that nothing is left behind.
#
# Reads SMMAP_BENCH, SMMAP_BOOKKEEPING and SMMAP (the programs; default ./smmap-bench,
# ./smmap-bookkeeping and ./smmap) from the environment. SMMAP_BOOKKEEPING=none: it is not
# built, as this is no 64-bit system.
# shellcheck source-path=SCRIPTDIR disable=SC2015,SC2317
# SC2015: `a && b || fail` is meant. SC2317: check() calls the functions.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/lib.sh"

bench=$(locate "${SMMAP_BENCH:-./smmap-bench}")
books=none
test "${SMMAP_BOOKKEEPING:-}" = none ||
    books=$(locate "${SMMAP_BOOKKEEPING:-./smmap-bookkeeping}")
command=$(locate "${SMMAP:-./smmap}")
for program in "$bench" "$books" "$command"; do
    test "$program" = none || test -x "$program" ||
        { echo "bench.sh: there is no program $program" >&2; exit 1; }
done

LC_ALL=C
export LC_ALL
make_work bench-test
script=$here/../../bench/contenders/python_smmap.py
cd "$work" || exit 1
mkdir made pictures
out=$work/out
err=$work/err

# Run the benchmark; its files are made below ./made.
run()
{
    "$bench" --dir made --python-script "$script" "$@" >"$out" 2>"$err" </dev/null
    code=$?
}

# is_code N: the last run ended so.
is_code()
{
    test "$code" -eq "$1" && return 0
    echo "exit code $code instead of $1"
    cat "$out" "$err"
    return 1
}

# Nothing that was made is left.
is_clean()
{
    test -z "$(ls -A made)" && return 0
    echo "left behind: $(ls -A made)"
    return 1
}

# json FILE: it is well-formed. Without python3 the lines are looked at one by one.
json()
{
    if command -v python3 >/dev/null 2>&1; then
        python3 -c 'import json, sys; assert isinstance(json.load(open(sys.argv[1])), list)' "$1"
    else
        test "$(sed -n 1p "$1")" = '[' && test "$(tail -n 1 "$1")" = ']' &&
            test "$(grep -c '^{.*},*$' "$1")" -eq $(($(wc -l <"$1") - 2))
    fi
}

# xml FILE: it is well-formed.
xml()
{
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$1"
}

workloads=$("$bench" --list | sed -n '/^Workloads/,/^$/s/^  \([^ ]*\) .*/\1/p')
contenders=$("$bench" --list | sed -n '/^Contenders/,$s/^  \([^ ]*\) .*/\1/p')

# --- a whole run ----------------------------------------------------------------------

test_whole()
{
    test "$(echo "$workloads" | wc -l)" -ge 14 && test "$(echo "$contenders" | wc -l)" -ge 10 ||
        { "$bench" --list; return 1; }
    run --quick --targets --size 4M --seconds 0.002 --repeat 2 --threads 3 --json whole.json \
        --markdown whole.md
    is_code 0 && is_clean && json whole.json || return 1
    for name in $workloads; do
        grep -q "^$name: " "$out" || { echo "no table for $name"; return 1; }
        grep -q "^{\"workload\":\"$name\"," whole.json || { echo "no JSON for $name"; return 1; }
    done
    for name in $contenders; do
        grep -qF "\"contender\":\"$name\"" whole.json || { echo "no $name"; return 1; }
    done
    for threads in 1 2 3; do
        cell="\"workload\":\"hot-2\",\"contender\":\"sliding\",\"threads\":$threads,"
        grep -qF "$cell" whole.json ||
            { echo "not with $threads threads"; return 1; }
    done
}
check "all workloads, all contenders" test_whole

test_fields()
{
    for field in workload contender threads ns_per_op spread ratio_to_limit verified skipped; do
        test "$(grep -c "\"$field\":" whole.json)" -eq "$(grep -c '^{' whole.json)" ||
            { echo "$field is not everywhere"; return 1; }
    done
    # Measured and verified, or skipped with a reason; never neither, never both.
    grep '^{' whole.json | while IFS= read -r line; do
        case $line in
        *'"ns_per_op":null'*'"verified":null,"skipped":"'?*) ;;
        *'"ns_per_op":'[0-9]*'"verified":true,"skipped":null'*) ;;
        *) echo "$line"; exit 1 ;;
        esac
    done
}
check "each cell has all fields, and numbers or a reason" test_fields

test_ours()
{
    # What has no reason to be skipped anywhere.
    for cell in bytes-in-order:static bytes-random:sliding random-35:static random-35:sliding \
        random-650:sliding hot-2:sliding seq-warm:static seq-warm:sliding copy-uniform:sliding \
        copy-zipf:sliding miss-100:sliding random-35:raw \
        random-35:mutex+list miss-100:map-unmap; do
        this="\"workload\":\"${cell%:*}\",\"contender\":\"${cell#*:}\",\"threads\":1,"
        grep -F "$this" whole.json |
            grep -q '"verified":true' || { echo "$cell was not measured"; return 1; }
    done
}
check "our cells and their limits are measured" test_ours

test_markdown()
{
    for name in $workloads; do
        grep -qx "### $name" whole.md || { echo "no table for $name"; return 1; }
    done
    # A row for each cell, and in each row as many columns as its table has.
    test "$(grep -c '^| [a-zA-Z].* | [0-9]* | ' whole.md)" -eq "$(grep -c '^{' whole.json)" ||
        { echo "not a row for each cell"; return 1; }
    awk -F'|' '/^\| \|/ { columns = NF }
        /^\|/ && NF != columns { print; bad = 1 }
        END { exit bad }' whole.md
}
check "--markdown has all cells, in tables that are straight" test_markdown

# The targets are compared with what was measured in the same run.
test_targets()
{
    grep -q '^Targets$' "$out" && grep -qx '### Targets' whole.md || return 1
    rows=$(sed -n '/^Targets$/,$p' "$out" | grep -c ' [<>]=  ')
    test "$rows" -eq 16 || { echo "$rows targets"; return 1; }
    sed -n '/^Targets$/,$p' "$out" | awk '/ [<>]=  / {
        for (i = 1; $i != "<=" && $i != ">="; i++)
            ;
        bound = $(i + 1); got = $(i + 2); word = $(i + 3)
        if (got == "-") {
            # not measured: with a reason
            if ($0 !~ /not measured \(..*\)$/) { print; bad = 1 }
            next
        }
        # As printed the two can be equal, and then either word is right.
        met = $i == "<=" ? got <= bound : got >= bound
        if (word != "met" && word != "missed" || got != bound && met != (word == "met")) {
            print; bad = 1
        }
    } END { exit bad }'
}
check "the targets are shown, and called what they are" test_targets

# value WORKLOAD CONTENDER FIELD
value()
{
    grep -F "\"workload\":\"$1\",\"contender\":\"$2\",\"threads\":1," whole.json |
        sed "s/.*\"$3\":\([^,}]*\).*/\1/"
}

test_counts()
{
    test "$(value random-35 sliding windows)" -eq 35 &&
        test "$(value random-650 sliding windows)" -eq 650 &&
        test "$(value random-650 sliding misses)" -eq 650 &&
        test "$(value random-650 sliding evictions)" -eq 0 &&
        test "$(value miss-100 sliding hits)" -eq 0 &&
        test "$(value miss-100 sliding windows)" -le 100 &&
        test "$(value miss-100 sliding misses)" -ge "$(value miss-100 sliding accesses)" &&
        test "$(value random-35 raw ratio_to_limit)" = 1.0000
}
check "the windows are as many as the workload says" test_counts

test_pictures()
{
    "$here/../../bench/plot" whole.json pictures || return 1
    for name in bars windows miss threads; do
        test -s "pictures/$name.svg" || { echo "no $name.svg"; return 1; }
        xml "pictures/$name.svg" || { echo "$name.svg"; return 1; }
        ! grep -qiE '(nan|inf)[" ,]|<script|@import' "pictures/$name.svg" ||
            { echo "$name.svg has what it must not have"; return 1; }
    done
    grep -q 'libsmmap, sliding' pictures/bars.svg && grep -q 'evict and map' pictures/bars.svg
}
if ! command -v gnuplot >/dev/null 2>&1 || ! command -v python3 >/dev/null 2>&1; then
    skip "the pictures" "gnuplot or python3 is missing"
else
    check "the pictures are XML, and hold numbers alone" test_pictures
fi

# --- bytes ----------------------------------------------------------------------------

# How many tables there are so far.
tables()
{
    grep -c '^[a-z0-9-]*: ' "$out"
}

# wait_for COMMAND...: until it succeeds; not longer than the benchmark runs.
wait_for()
{
    until "$@"; do
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
}

made_whole()
{
    test -n "$(find made -name data -size 1024k 2>/dev/null)"
}

more_tables()
{
    test "$(tables)" -ge $((before + 2))
}

# The file is overwritten while it is read: all who read it later must notice.
test_wrong()
{
    "$bench" --dir made --size 1M --contender sliding,pread-4k --seconds 0.04 --repeat 8 \
        --workload bytes-in-order,bytes-random,random-35,hot-2,seq-warm,copy-uniform \
        >"$out" 2>"$err" </dev/null &
    pid=$!
    wait_for made_whole || { cat "$out" "$err"; return 1; }
    dd if=/dev/zero of="$(find made -name data)" bs=1024 count=1024 conv=notrunc 2>/dev/null
    # The second table from now on was begun, and so read, after that.
    before=$(tables)
    wait_for more_tables || { cat "$out" "$err"; return 1; }
    kill -TERM "$pid" # it ends after the cell that it is in
    wait "$pid"
    code=$?
    test "$code" -eq 143 && grep -q 'WRONG BYTES' "$err" && is_clean &&
        grep -q 'libsmmap, sliding.*WRONG BYTES' "$out" &&
        grep -q 'pread 4 KiB.*\(WRONG BYTES\|skipped: this system has no pread\)' "$out" ||
        { echo "exit code $code"; cat "$out" "$err"; return 1; }
}
check "wrong bytes are noticed, and what was made is removed" test_wrong

# Whatever ends it, nothing is left. It would run for a minute.
# ended_by SIGNAL CODE
ended_by()
{
    timeout --preserve-status -k 20 -s "$1" 1 "$bench" --dir made --size 1M \
        --workload bytes-random --contender raw --seconds 0.6 --repeat 101 >"$out" 2>"$err" </dev/null
    code=$?
    is_code "$2" && is_clean
}

test_no_reader()
{
    { "$bench" --dir made --size 1M --workload bytes-in-order,bytes-random,random-35,copy-zipf \
        --contender raw,pread-4k --seconds 0.1 --repeat 2 --json part.json 2>"$err"
        echo $? >code; } | head -n 1 >"$out"
    code=$(cat code)
    is_code 141 && is_clean && json part.json && ! grep copy-zipf part.json
}
ignored()
{
    sh -c "kill -$1 \$\$; exit 0"
}
if ! timeout --preserve-status -k 20 -s INT 60 true 2>/dev/null; then
    skip "signals" "there is no timeout command of GNU"
else
    for signal in INT:130 HUP:129 TERM:143; do
        if ignored "${signal%:*}" 2>/dev/null; then
            skip "ended by SIG${signal%:*}" "whoever started this test ignores it"
        else
            check "ended by SIG${signal%:*}, nothing is left" ended_by "${signal%:*}" "${signal#*:}"
        fi
    done
    check "nobody reads the output: it ends, and nothing is left" test_no_reader
fi

run --size 1M --workload random-35 --contender raw,sliding --seconds 0.01 --repeat 1
test_size()
{
    is_code 0 && ! grep -q 'WRONG' "$out"
}
check "a file of 1 MiB is enough" test_size

# --- its own input, its own mistakes ------------------------------------------------------

head -c 3000001 /dev/urandom >user
cp user user.copy

test_user()
{
    run --quick --seconds 0.005 --json user.json --markdown user.md \
        --workload bytes-random,random-35,seq-warm,copy-zipf user
    is_code 0 && is_clean && cmp user user.copy && json user.json &&
        ! grep -q -e Targets -e missed "$out" user.md &&
        grep -q '^This takes [0-9]* seconds or more' "$out" &&
        grep -q '"contender":"sliding".*"verified":true' user.json
}
check "a user's file is read and left alone" test_user

test_stdout()
{
    run --quick --size 1M --workload bytes-random --contender raw,static --json -
    is_code 0 && json "$out" && test "$(grep -c '^{' "$out")" -eq 2
}
check "--json - prints JSON alone" test_stdout

test_python()
{
    run --quick --size 1M --workload bytes-random --contender raw,python-smmap --python /nonexistent
    is_code 0 && grep -q 'smmap (Python) .* skipped: not installed' "$out"
}
check "a rival that is not installed is named" test_python

# refused WHAT ARGUMENT...: exit code 2, a message with WHAT in it, nothing measured.
refused()
{
    what=$1
    shift
    run "$@"
    is_code 2 && is_clean && grep -q "^smmap-bench: .*$what" "$err" &&
        ! grep -q 'threads  ' "$out" || { cat "$out" "$err"; return 1; }
}

: >empty
check "no such option" refused 'unknown option' --bogus
check "no such workload" refused "no 'nix'" --workload random-35,nix
check "no such contender" refused "no 'nix'" --contender nix
check "nothing to do" refused 'none of these' --contender raw --workload miss-100
check "--repeat 0" refused 'too small' --repeat 0
check "--repeat 1000" refused 'too large' --repeat 1000
check "--seconds never" refused 'not a number' --seconds never
check "--seconds 0" refused 'between' --seconds 0
check "--threads 0" refused 'too small' --threads 0
check "--size 1" refused 'too small' --size 1
check "--size 1X" refused 'K, M, G or T' --size 1X
check "--size with a file" refused 'there is a FILE' --size 1M user
check "--window-size 0" refused '1 or more' --window-size 0
check "two files" refused 'too many' user user.copy
check "a file that is not there" refused 'nothing-here' nothing-here
check "an empty file" refused 'too small' empty
check "a directory" refused 'regular file' pictures
check "no place for JSON" refused 'nowhere' --json nowhere/x
check "no place for Markdown" refused 'nowhere' --markdown nowhere/x
test_no_pictures()
{
    ! "$here/../../bench/plot" user.json user >"$out" 2>"$err" && grep -q 'user' "$err"
}
if command -v gnuplot >/dev/null 2>&1 && command -v python3 >/dev/null 2>&1; then
    check "no place for pictures" test_no_pictures
else
    skip "no place for pictures" "gnuplot or python3 is missing"
fi
check "no place for files" refused 'nowhere' --dir nowhere
check "--instructions without a number" refused 'missing' --instructions random-35
check "--instructions of no workload" refused "no 'nix'" --instructions nix 5
check "--instructions without a contender" refused 'one --contender' --instructions random-35 5
check "--instructions that cannot be" refused 'does not do' --instructions miss-100 5 --contender raw

test_instructions()
{
    for contender in raw static sliding mutex+list; do
        run --size 4M --contender "$contender" --instructions random-650 10000
        is_code 0 && is_clean && grep -q '^accesses 10000$' "$out" && grep -q '^verified$' "$out" &&
            grep -q '^function bench_loop_[a-z]*_random$' "$out" || return 1
    done
}
check "--instructions makes its accesses and checks them" test_instructions

test_help()
{
    run --help
    is_code 0 && for name in --list --workload --contender --repeat --seconds --threads --quick \
        --json --markdown --size --dir --window-size --python --python-script \
        --instructions; do
        grep -q "^  *$name " "$out" || { echo "no $name"; return 1; }
    done
    run --version
    is_code 0 && grep -q '^smmap-bench [0-9]' "$out"
}
check "--help and --version" test_help

# The same as a command of the tool, under its name.
test_command()
{
    "$command" bench --dir made --quick --size 1M --seconds 0.001 --workload hot-2 \
        --contender raw,sliding --json command.json >"$out" 2>"$err" </dev/null
    code=$?
    is_code 0 && is_clean && json command.json && grep -q '^smmap bench [0-9]' "$out" &&
        grep -q '"contender":"sliding","threads":1,.*"verified":true' command.json
}

test_command_mistake()
{
    "$command" bench --bogus >"$out" 2>"$err" </dev/null
    code=$?
    is_code 2 && grep -q '^smmap bench: .*unknown option' "$err" &&
        grep -q "'smmap bench --help'" "$err"
}

# ^C and the like end it by that signal, after what was made is removed.
test_command_signal()
{
    "$command" bench --dir made --size 1M --workload bytes-random --contender sliding \
        --seconds 0.1 --repeat 101 >"$out" 2>"$err" </dev/null &
    pid=$!
    wait_for made_whole && sleep 0.2 && kill -TERM "$pid"
    wait "$pid"
    code=$?
    is_code 143 && is_clean
}
check "smmap bench" test_command
check "smmap bench says its own name" test_command_mistake
check "smmap bench ends by the signal that stops it" test_command_signal

. "$here/bench/bookkeeping.sh"

finish
