# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2034,SC2154,SC2317
# `smmap find`. Sourced by command.sh.

check "find" gives 0 't/hello:2
t/hello:3
t/hello:9' find l t/hello
check "find nothing" gives 1 '' find xyz t/hello
check "find in an empty file" gives 1 '' find x t/empty
check "find all of a file" gives 0 't/hello:0' find 'hello world' t/hello
check "find more than the file has" gives 1 '' find 'hello world!' t/hello
check "find -c" gives 0 't/hello:3
t/empty:0' find -c l t/hello t/empty
check "find -c without any" gives 1 't/empty:0' find --count l t/empty
check "find -m" gives 0 't/hello:2
t/hello:3
t/hello:2
t/hello:3' find -m 2 l t/hello t/hello
check "find -c -m" gives 0 't/hello:2' find -c --max-count 2 l t/hello
check "find -m 0" gives 1 '' find -m 0 l t/hello
check "find -l" gives 0 't/hello' find -l l t/empty t/hello
check "find -L" gives 0 't/empty' find -L l t/empty t/hello
check "find -l, none" gives 1 '' find -l zzz t/hello
check "find -h" gives 0 '2
3
9' find -h l t/hello
check "find -hc" gives 0 '3' find -hc l t/hello
check "find -q" gives 0 '' find -q l t/hello
test_null()
{
    run find -Z -m 1 l t/hello && printf 't/hello\0002\n' | cmp - "$out" || return 1
    run find -lZ l t/hello && printf 't/hello\000' | cmp - "$out"
}
check "find -Z" test_null
printf 'aaaa' >t/aaaa
check "matches do not overlap" gives 0 't/aaaa:0
t/aaaa:2' find aa t/aaaa
check "find --overlap" gives 0 't/aaaa:0
t/aaaa:1
t/aaaa:2' find --overlap aa t/aaaa
printf 'x\000\001\000\377\nx\000\001\000y' >t/binary
check "find --hex, zero bytes too" gives 0 't/binary:1
t/binary:7' find --hex '00 0100' t/binary
check "find --hex in both cases of letters" gives 0 't/binary:4' find --hex 'Ff 0a' t/binary
check "find a pattern with a newline" gives 0 't/binary:5' find '
x' t/binary
check "find --offset and --length" gives 0 't/hello:3' find --offset 3 --length 1 l t/hello
check "find --offset, negative" gives 0 't/hello:9' find --offset -3 l t/hello
check "a match lies in the range as a whole" gives 1 '' find --length 4 hello t/hello

# A needle at each place around the ends of windows, in a file of a's: its first letters are
# the same, so false starts are everywhere.
test_window_ends()
{
    needle=aaabaaaac
    for at in 0 $((granule * 3 - 9)) $(seq $((granule - 10)) $((granule + 1))) \
        $(seq $((granule * 2 - 9)) $((granule * 2))); do
        head -c $((granule * 3)) /dev/zero | tr '\000' a >t/needle
        put t/needle "$at" "$needle"
        gives 0 "$at" find -h --window-size 1 "$needle" t/needle || { echo "at $at"; return 1; }
        gives 0 "$at" find -h --window-size 1 --hard-limits --max-memory "$granule" \
            --max-regions 1 --overlap "$needle" t/needle ||
            { echo "at $at, hard limits"; return 1; }
    done
}
check "a match is found once wherever it lies at the ends of windows" test_window_ends

test_long_pattern()
{
    # Longer than one window, or than two, where windows are of 4 KiB.
    for size in 5000 9000 32768; do
        letters 5 "$size" ab >t/long
        pattern=$(cat t/long)
        { letters 6 3001 ab; cat t/long t/long; letters 7 2000 ab; } >t/hay
        gives 0 "3001
$((3001 + size))" find -h --window-size 1 "$pattern" t/hay || { echo "size $size"; return 1; }
        gives 0 "2" find -hc --mode static --overlap "$pattern" t/hay || return 1
    done
}
check "patterns longer than windows" test_long_pattern

test_repeats()
{
    # All a's: each place is a match or a false start, and the search changes its way.
    head -c 3000000 /dev/zero | tr '\000' a >t/as
    pattern=$(head -c 30000 t/as)
    gives 0 100 find -hc "$pattern" t/as && gives 0 2970001 find -hc --overlap "$pattern" t/as &&
        gives 1 0 find -hc "${pattern}b" t/as && gives 1 0 find -hc "b$pattern" t/as
}
check "a pattern that repeats itself in a file that repeats itself" test_repeats

test_random()
{
    seed=1
    compared=0
    for alphabet in ab abc abcdefgh 'abcdefghijklmnopqrstuvwxyz '; do
        for window in 1 $((granule * 2)) 1M; do
            seed=$((seed + 1))
            letters "$seed" $((granule * 4 + seed * 101)) "$alphabet" >t/random
            for size in 1 2 3 5 9 14; do
                pattern=$(tail -c +$((seed * 37 * size)) t/random | head -c "$size")
                grep -obUaF -e "$pattern" t/random | sed 's/:.*//' >"$work/expected"
                test -s "$work/expected" || { echo "grep finds no '$pattern'"; return 1; }
                run find -h --window-size "$window" -- "$pattern" t/random
                is_code 0 && cmp "$out" "$work/expected" ||
                    { echo "'$pattern' seed $seed window $window"; return 1; }
                compared=$((compared + 1))
            done
        done
    done
    test "$compared" -eq 72
}
if grep --version 2>/dev/null | grep -q 'GNU grep'; then
    check "find agrees with grep -obUaF on random text" test_random
else
    skip "find against grep" "this grep is not GNU grep"
fi
