# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2034,SC2154,SC2317
# What smmap-bookkeeping measures: costs and misses. Sourced by bench.sh.

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
    is_code 0 && is_clean && json books.json &&
        test "$(grep -c '"measure":"miss_cost"' books.json)" -eq 6 || return 1
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
            row="\"cursors\":$cursors,\"pinning\":$pinning,.*\"ns_per_miss\":[0-9]"
            grep -q "$row" books.json ||
                { echo "not $cursors, $pinning"; return 1; }
        done
    done
}

test_books_growth()
{
    run_books --quick --only growth --json books.json
    is_code 0 && is_clean && json books.json &&
        test "$(grep -c '"measure":"growth"' books.json)" -eq 14 || return 1
    # Each row was measured, and has a ceiling. Times are not tested: scripts/bench does that.
    row='"few":[0-9]*,"with_few":[0-9.]*,"many":[0-9]*,"with_many":[0-9.]*,'
    row=$row'"compared":"[a-z ]*","measured":[0-9.]*,"ceiling":[1-9]'
    test "$(grep -c "$row" books.json)" -eq 14 &&
        ! grep -q '"measured":0.0000' books.json
}

test_books_ratio()
{
    run_books --quick --only ratio --json books.json
    is_code 0 && is_clean && json books.json && test "$(grep -c '^{' books.json)" -eq 35 || return 1
    awk -F'[{},]' '
        /^{/ {
            split("", row)
            for (i = 1; i <= NF; i++) {
                split($i, pair, ":")
                row[pair[1]] = pair[2]
            }
            seen[row["\"trace\""] row["\"cap\""]] = 1
            misses = row["\"misses\""] + 0
            if (misses < row["\"belady\""] + 0 || row["\"lru\""] + 0 < row["\"belady\""] + 0 ||
                row["\"clock\""] + 0 < row["\"belady\""] + 0 ||
                misses > row["\"references\""] + 0 ||
                row["\"peak_windows\""] + 0 > row["\"room\""] + 0 || misses == 0) {
                print
                bad = 1
            }
        }
        END {
            traces = split("zipf uniform loop two-phase hot-scan hot-thin hot-burst", trace, " ")
            caps = split("2 8 2% 10% 30%", cap, " ")
            for (i = 1; i <= traces; i++) {
                for (k = 1; k <= caps; k++) {
                    if (!(("\"" trace[i] "\"\"" cap[k] "\"") in seen)) {
                        print "not " trace[i] ", " cap[k]
                        bad = 1
                    }
                }
            }
            exit bad
        }' books.json || return 1
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
    run_books --quick --only ratio --references 1000 --trace trace --window-size 4K --json books.json
    is_code 0 && this='"trace":"trace","cap":"30%"' && test "$(field room "$this")" -eq 3 &&
        test "$(field windows "$this")" -eq 10 && test "$(field references "$this")" -eq 24 &&
        test "$(field lru "$this")" -eq 16 && test "$(field belady "$this")" -eq 13
}

test_books_span()
{
    # One access of three windows, in two files.
    printf '4095 4098 read a\n0 9999 use b\n' >trace
    run_books --quick --only ratio --references 1000 --trace trace --window-size 4K --json books.json
    is_code 0 && this='"trace":"trace","cap":"8"' && test "$(field windows "$this")" -eq 4 &&
        test "$(field references "$this")" -eq 4 && test "$(field misses "$this")" -eq 4
}

test_books_bad_trace()
{
    for line in '0 1' '0 0 read' 'x 1 use' '0 1x use' '-1 5 use' '0 99999999999999999999 use' \
        '0 1 used' '0 use a' a; do
        printf '0 1 use a\n%s\n' "$line" >trace
        run_books --quick --only ratio --references 1000 --trace trace
        is_code 1 && grep -q 'trace: line 2: ' "$err" || { echo "line: $line"; return 1; }
    done
    printf '0 1 use\n' >trace
    run_books --quick --only ratio --references 1000 --trace trace
    is_code 1 && grep -q 'line 1: there is no name' "$err" || return 1
    : >trace
    run_books --quick --only ratio --references 1000 --trace trace
    is_code 1 && grep -q 'is empty' "$err"
}

# What the library writes is what is read here, by way of a program.
test_books_recorded()
{
    head -c 100000 /dev/zero >data
    rm -f trace
    SMMAP_TRACE=$work/trace $SMMAP cat --window-size 8K --mode sliding data data >/dev/null ||
        return 1
    run_books --quick --only ratio --references 1000 --trace trace --window-size 8K --json books.json \
        --markdown books.md
    is_code 0 && this='"trace":"trace","cap":"8"' && test "$(field windows "$this")" -eq 13 &&
        test "$(field lru "$this")" -eq 26 && test "$(field belady "$this")" -lt 26 &&
        test "$(grep -c '^| ' books.md)" -eq 41 &&
        grep -q '^| trace | 8 | 8 | [0-9]* | 26 |' books.md
}

if [ "$books" = none ]; then
    skip "smmap-bookkeeping" "it is for 64-bit programs, and was not built"
else
    check "bookkeeping: what a miss costs" test_books_cost
    check "bookkeeping: what it costs with many cursors" test_books_cursors
    check "bookkeeping: what must not grow" test_books_growth
    check "bookkeeping: misses against other policies" test_books_ratio
    check "bookkeeping: a recorded trace" test_books_trace
    check "bookkeeping: a trace that SMMAP_TRACE wrote" test_books_recorded
    check "bookkeeping: an access over several windows" test_books_span
    check "bookkeeping: a trace that is none" test_books_bad_trace
    check "bookkeeping: no such option" refused_books 'unknown option' --bogus
    check "bookkeeping: --only nothing" refused_books 'cost, growth or ratio' --only nothing
    check "bookkeeping: --repeat 0" refused_books 'too small' --repeat 0
    check "bookkeeping: --seconds x" refused_books 'not a number' --seconds x
    check "bookkeeping: an operand" refused_books 'unexpected argument' operand
fi
