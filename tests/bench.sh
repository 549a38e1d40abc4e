#!/bin/sh
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
. "$here/lib.sh"

# The full path of a program.
locate()
{
    case $1 in
    */*) echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")" ;;
    *) command -v "$1" ;;
    esac
}
bench=$(locate "${SMMAP_BENCH:-./smmap-bench}")
books=none
test "${SMMAP_BOOKKEEPING:-}" = none ||
    books=$(locate "${SMMAP_BOOKKEEPING:-./smmap-bookkeeping}")
command=$(locate "${SMMAP:-./smmap}")
for program in "$bench" "$books" "$command"; do
    test "$program" = none || test -x "$program" || { echo "bench.sh: there is no program $program" >&2; exit 1; }
done

LC_ALL=C
export LC_ALL
work=$(mktemp -d "${TMPDIR:-/tmp}/smmap-bench-test.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
mkdir made pictures
out=$work/out
err=$work/err

# Run the benchmark; its files are made below ./made.
run()
{
    "$bench" --dir made "$@" >"$out" 2>"$err" </dev/null
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

# xml FILE: it is well-formed; 2: nobody here can tell.
xml()
{
    if command -v xmllint >/dev/null 2>&1; then
        xmllint --noout "$1"
    elif command -v python3 >/dev/null 2>&1; then
        python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$1"
    else
        return 2
    fi
}

workloads=$("$bench" --list | sed -n '/^Workloads/,/^$/s/^  \([^ ]*\) .*/\1/p')
contenders=$("$bench" --list | sed -n '/^Contenders/,$s/^  \([^ ]*\) .*/\1/p')

# --- a whole run ----------------------------------------------------------------------

test_whole()
{
    test "$(echo "$workloads" | wc -l)" -ge 15 && test "$(echo "$contenders" | wc -l)" -ge 11 ||
        { "$bench" --list; return 1; }
    run --quick --size 4M --seconds 0.002 --repeat 2 --threads 3 --json whole.json --svg pictures \
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
        copy-zipf:sliding miss-100:sliding files:sliding files:static random-35:raw \
        random-35:mutex+list miss-100:map-unmap files:open-read; do
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
    awk -F'|' '/^\| \|/ { columns = NF } /^\|/ && NF != columns { print; bad = 1 } END { exit bad }' \
        whole.md
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
    for name in bars windows miss threads; do
        test -s "pictures/$name.svg" || { echo "no $name.svg"; return 1; }
        xml "pictures/$name.svg" || { echo "$name.svg"; return 1; }
        ! grep -qiE '(nan|inf)[" ,]|<script|href=|@import' "pictures/$name.svg" ||
            { echo "$name.svg has what it must not have"; return 1; }
    done
    grep -q 'libsmmap, sliding' pictures/bars.svg && grep -q 'evict and map' pictures/bars.svg
}
xml /dev/null >/dev/null 2>&1
if [ $? -eq 2 ]; then
    skip "the pictures" "there is neither xmllint nor python3 to read XML"
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
    "$bench" --dir made --size 1M --contender sliding,pread-4k --seconds 0.1 --repeat 8 \
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
    run --quick --seconds 0.005 --json user.json \
        --workload bytes-random,random-35,seq-warm,copy-zipf user
    is_code 0 && is_clean && cmp user user.copy && json user.json &&
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
check "no such option" refused 'no such option' --bogus
check "no such workload" refused "no 'nix'" --workload random-35,nix
check "no such contender" refused "no 'nix'" --contender nix
check "nothing to do" refused 'none of these' --contender raw --workload files
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
check "no place for pictures" refused 'user' --svg user
check "no place for files" refused 'nowhere' --dir nowhere
check "--instructions without a number" refused 'missing' --instructions random-35
check "--instructions of no workload" refused "no 'nix'" --instructions nix 5
check "--instructions without a contender" refused 'one --contender' --instructions random-35 5
check "--instructions that cannot be" refused 'does not do' --instructions files 5 --contender raw

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
        --json --markdown --svg --size --dir --window-size --python --instructions; do
        grep -q "^  $name " "$out" || { echo "no $name"; return 1; }
    done
    run --version
    is_code 0 && grep -q '^smmap-bench [0-9]' "$out"
}
check "--help and --version" test_help

# The same as a command of the tool, under its name.
test_command()
{
    "$command" bench --dir made --quick --size 1M --seconds 0.001 --workload hot-2 \
        --contender raw,sliding,gmapped --json command.json >"$out" 2>"$err" </dev/null
    code=$?
    is_code 0 && is_clean && json command.json && grep -q '^smmap bench [0-9]' "$out" &&
        grep -q '"contender":"sliding","threads":1,.*"verified":true' command.json &&
        grep -q '"contender":"gmapped","threads":1,.*"skipped":"[^"]*without GLib' command.json
}

test_command_mistake()
{
    "$command" bench --bogus >"$out" 2>"$err" </dev/null
    code=$?
    is_code 2 && grep -q '^smmap bench: .*no such option' "$err" &&
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

# --- bookkeeping ------------------------------------------------------------------------

run_books()
{
    "$books" --dir made "$@" >"$out" 2>"$err" </dev/null
    code=$?
}

refused_books()
{
    what=$1
    shift
    run_books "$@"
    is_code 2 && grep -q "^smmap-bookkeeping: .*$what" "$err"
}

# field FIELD TEXT: of the object in ./books.json that has TEXT in it
field()
{
    grep -F -e "$2" books.json | sed "s/.*\"$1\":\([^,}]*\).*/\1/"
}

test_books_cost()
{
    run_books --quick --only cost --json books.json
    is_code 0 && is_clean && json books.json && test "$(grep -c '"measure":"miss_cost"' books.json)" -eq 6 ||
        return 1
    for windows in 100 1000 10000; do
        for order in 'in order' scattered; do
            grep -q "\"windows\":$windows,\"order\":\"$order\",\"ns_per_miss\":[0-9]" books.json ||
                { echo "not $windows, $order"; return 1; }
        done
    done
    test "$(field ratio_to_100 '"windows":100,"order":"scattered"')" = 1.0000
}

test_books_cursors()
{
    # From the run before: with few cursors and with many, empty and not.
    test "$(grep -c '"measure":"cursors"' books.json)" -eq 4 || return 1
    for pinning in true false; do
        for cursors in 10 10000; do
            grep -q "\"cursors\":$cursors,\"pinning\":$pinning,.*\"ns_per_miss\":[0-9]" books.json ||
                { echo "not $cursors, $pinning"; return 1; }
        done
    done
}

test_books_memory()
{
    run_books --quick --only memory --json books.json
    is_code 0 && is_clean && json books.json || return 1
    for name in region_structure region file_structure file file_used file_used_4096 cursor \
        cursor_used sparse_slots; do
        grep -q "\"name\":\"$name\",\"bytes\":[1-9]" books.json ||
            { echo "no $name"; cat books.json; return 1; }
    done
    run_books --quick --only memory
    is_code 0 && grep -q 'bytes of a region  .*<=  128.00 ' "$out" &&
        grep -q 'bytes of a file that was only opened  .*<=  512.00 ' "$out"
}

test_books_ratio()
{
    run_books --quick --only ratio --json books.json
    is_code 0 && is_clean && json books.json && test "$(grep -c '^{' books.json)" -eq 35 || return 1
    for trace in zipf uniform loop two-phase hot-scan hot-thin hot-burst; do
        for cap in 2 8 2% 10% 30%; do
            this="\"trace\":\"$trace\",\"cap\":\"$cap\""
            misses=$(field misses "$this")
            test "$misses" -ge "$(field belady "$this")" &&
                test "$(field lru "$this")" -ge "$(field belady "$this")" &&
                test "$(field clock "$this")" -ge "$(field belady "$this")" &&
                test "$misses" -le "$(field references "$this")" &&
                test "$(field peak_windows "$this")" -le "$(field room "$this")" ||
                { echo "$this"; grep -F -e "$this" books.json; return 1; }
        done
    done
    # Nothing that keeps to an order can hit in a loop over more than there is room for.
    test "$(field lru '"trace":"loop","cap":"30%"')" -eq 20000
}

# The references that textbooks show it with: three places, 12 faults for LRU, 9 for the
# optimum. Four more windows at the end, each a miss for anybody, make 30 % of them three.
test_books_trace()
{
    echo '# smmap trace 1' >trace
    name=' /some file'
    for page in 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1 10 11 12 13; do
        echo "$((page * 4096)) 1 use$name"
        name=
    done >>trace
    run_books --quick --only ratio --trace trace --window-size 4K --json books.json
    is_code 0 && this='"trace":"trace","cap":"30%"' && test "$(field room "$this")" -eq 3 &&
        test "$(field windows "$this")" -eq 10 && test "$(field references "$this")" -eq 24 &&
        test "$(field lru "$this")" -eq 16 && test "$(field belady "$this")" -eq 13
}

test_books_span()
{
    # One access of three windows, in two files.
    printf '4095 4098 read a\n0 9999 use b\n' >trace
    run_books --quick --only ratio --trace trace --window-size 4K --json books.json
    is_code 0 && this='"trace":"trace","cap":"8"' && test "$(field windows "$this")" -eq 4 &&
        test "$(field references "$this")" -eq 4 && test "$(field misses "$this")" -eq 4
}

test_books_bad_trace()
{
    for line in '0 1' '0 0 read' 'x 1 use' '0 1x use' '-1 5 use' '0 99999999999999999999 use' \
        '0 1 used' '0 use a' a; do
        printf '0 1 use a\n%s\n' "$line" >trace
        run_books --quick --only ratio --trace trace
        is_code 1 && grep -q 'trace: line 2: ' "$err" || { echo "line: $line"; return 1; }
    done
    printf '0 1 use\n' >trace
    run_books --quick --only ratio --trace trace
    is_code 1 && grep -q 'line 1: there is no name' "$err" || return 1
    : >trace
    run_books --quick --only ratio --trace trace
    is_code 1 && grep -q 'nothing in it' "$err"
}

# What the library writes is what is read here, by way of a program.
test_books_recorded()
{
    head -c 100000 /dev/zero >data
    rm -f trace
    SMMAP_TRACE=$work/trace $SMMAP cat --window-size 8K --mode sliding data data >/dev/null ||
        return 1
    run_books --quick --only ratio --trace trace --window-size 8K --json books.json \
        --markdown books.md
    is_code 0 && this='"trace":"trace","cap":"8"' && test "$(field windows "$this")" -eq 13 &&
        test "$(field lru "$this")" -eq 26 && test "$(field belady "$this")" -lt 26 &&
        test "$(grep -c '^| ' books.md)" -eq 41 && grep -q '^| trace | 8 | 8 | [0-9]* | 26 |' books.md
}

if [ "$books" = none ]; then
    skip "smmap-bookkeeping" "it is for 64-bit programs, and was not built"
else
    check "bookkeeping: what a miss costs" test_books_cost
    check "bookkeeping: what it costs with many cursors" test_books_cursors
    check "bookkeeping: what things take of memory" test_books_memory
    check "bookkeeping: misses against other policies" test_books_ratio
    check "bookkeeping: a recorded trace" test_books_trace
    check "bookkeeping: a trace that SMMAP_TRACE wrote" test_books_recorded
    check "bookkeeping: an access over several windows" test_books_span
    check "bookkeeping: a trace that is none" test_books_bad_trace
    check "bookkeeping: no such option" refused_books 'no such option' --bogus
    check "bookkeeping: --only nothing" refused_books 'cost, memory or ratio' --only nothing
    check "bookkeeping: --repeat 0" refused_books 'too small' --repeat 0
    check "bookkeeping: --seconds x" refused_books 'not a number' --seconds x
    check "bookkeeping: an operand" refused_books 'no use' operand
fi

finish
