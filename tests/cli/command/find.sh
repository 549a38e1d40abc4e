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

# --- what is searched for -----------------------------------------------------------

printf 'abcab@[' >t/abc
check "find -e, several patterns: the first match, and of those at one place the longest" gives 0 \
    '{"path":"t/abc","offset":0,"length":3}
{"path":"t/abc","offset":3,"length":2}' find --json -e ab -e abc -e bc t/abc
check "find --overlap -e" gives 0 't/abc:0
t/abc:1
t/abc:3' find --overlap -e ab -e bc t/abc
check "find -i" gives 0 't/abc:0
t/abc:3' find -i -e AB t/abc
check "find -i changes letters alone" gives 1 '' find -i '`{' t/abc
check "find -i with a letter that is behind no other" gives 0 't/abc:5' find -i @ t/abc
check "find -x, and offsets in hexadecimal digits" gives 0 't/hello:0x9' \
    find --hex-offsets --offset 0x4 --length 0x7 -x 6C t/hello
check "find -cq" gives 0 '' find -cq l t/hello
check "find -q stops at the first match" gives 0 '' find -q l t/hello t/missing

# --- where --------------------------------------------------------------------------

test_stdin()
{
    for file in '' -; do
        # shellcheck disable=SC2086 # none or one word
        { printf 'hello w'; sleep 0.1; printf 'orld'; } | "$SMMAP" find wo $file >"$out" 2>"$err"
        test "$(cat "$out" "$err")" = '(standard input):6' || { cat "$out" "$err"; return 1; }
    done
    test "$(printf 'hello' | "$SMMAP" find -h --offset 3 --length 1 -e l -e o - t/hello)" = '3
3' && printf x | "$SMMAP" find -qe x && ! : | "$SMMAP" find x
}
check "find in standard input" test_stdin
test_stdin_directory()
{
    run find -r x - t/hello <t
    is_code 2 && says '^smmap: (standard input): Is a directory$'
}
if ! head -c 1 <t >/dev/null 2>&1; then
    check "find says what standard input is, when it is a directory" test_stdin_directory
else
    skip "standard input that is a directory" "the system reads directories"
fi

mkdir -p t/wood/b/c t/wood/a
for file in t/wood/b/c/2 t/wood/b/1 t/wood/a/4 t/wood/z; do printf 'in the tree' >$file; done
ln -s ../.. t/wood/a/up 2>/dev/null
mkfifo t/wood/b/fifo 2>/dev/null
check "find -r: in the order of names, no links, no FIFOs" gives 0 't/wood/a/4:3
t/wood/b/1:3
t/wood/b/c/2:3
t/wood/z:3
t/hello:1' find -r t/wood/ t/hello -m 1 -e the -e ello
test_recursive_here()
{
    (cd t/wood/b && gives 0 '1
c/2' find -rl tree)
}
check "find -r without a file" test_recursive_here
test_recursive_error()
{
    run find -rc tree t/wood/b t/missing t/wood/z
    is_code 2 && says 't/missing: No such' && test "$(cat "$out")" = 't/wood/b/1:1
t/wood/b/c/2:1
t/wood/z:1'
}
check "find -r goes on" test_recursive_error

# --- what is printed ----------------------------------------------------------------

printf '0123456789abcdefghij\377\000' >t/digits
check "find -C: as hexdump prints it, at the end of the file too" gives 0 't/digits:15
  00000000                                       63 64 65 66  |            cdef|
  00000010  67 68 69                                          |ghi             |
t/digits:20
  00000010     68 69 6a ff 00                                 | hij..          |' \
    find -C 3 -x -e 66 -e 'ff 00' t/digits
check "find --json -C" gives 0 \
    '{"path":"t/digits","offset":0,"length":1,"before":"","match":"30","after":"3132"}
{"path":"t/digits","offset":20,"length":1,"before":"696a","match":"ff","after":"00"}' \
    find --json -C 2 -x -e 30 -e ff t/digits
check "find --json -c, -l" gives 0 '{"path":"t/hello","count":3}' find --json -c l t/hello
check "find --json -l" gives 0 '{"path":"t/hello"}' find --json -l l t/hello
check "find --json has decimal numbers" gives 0 '{"path":"t/hello","offset":10,"length":1}' \
    find --json --hex-offsets d t/hello
test_json_path()
{
    printf x >"$(printf 't/j\377')" || return 1
    gives 0 '{"path":"t/j\udcff","offset":0,"length":1}' \
        find --json x "$(printf 't/j\377')"
}
if : 2>/dev/null >"$(printf 't/j\377')"; then
    check "find --json of a path that is not UTF-8" test_json_path
else
    skip "find --json of a path that is not UTF-8" "the file system does not take one"
fi
test_color()
{
    printf '\033[35mt/hello\033[m:\033[32m4\033[m\n' >"$work/expected"
    run find --color always 'o w' t/hello && cmp "$out" "$work/expected" || return 1
    gives 0 't/hello:4' find --color auto 'o w' t/hello
}
check "find --color" test_color

# --- pieces and windows ---------------------------------------------------------------

# Each line of a large file has a match, across its end: so they lie across the ends of all pieces
# and windows, whichever way the file is read.
test_pieces()
{
    yes abcdefghi | head -c 12000000 >t/pieces
    seq 8 10 11999990 | head -n 1199999 >"$work/expected"
    for options in "" "--window-size 1M" "--mode static" "--hard-limits --max-memory 64K" \
        "--overlap" "-i -e zzz"; do
        # shellcheck disable=SC2086 # several words
        run find -h $options -e 'i
a' t/pieces
        is_code 0 && cmp "$out" "$work/expected" || { echo "find $options"; return 1; }
    done
    "$SMMAP" find 'i
a' -h <t/pieces | cmp - "$work/expected" || return 1
    run find --threads 3 -h 'i
a' t/pieces t/hello t/pieces t/pieces
    cat "$work/expected" "$work/expected" "$work/expected" | cmp - "$out" && is_code 0 || return 1
    run find --json -C 9 -m 60000 'i
a' t/pieces
    is_code 0 && test "$(grep -c '"before":"6162636465666768","match":"690a61"' "$out")" -eq 1 &&
        test "$(grep -c '"before":"0a6162636465666768","match":"690a61","after":"62636465666768690a"' \
            "$out")" -eq 59999
}
check "find in a large file, in pieces and windows, by threads, with context" test_pieces
rm -f t/pieces

test_threads()
{
    mkdir -p t/threads
    for i in 1 2 3 4 5 6 7 8 9; do
        head -c $((i * 7000)) /dev/zero | tr '\000' x >t/threads/$i
    done
    : >t/threads/5
    for options in "" -c -l -L "-m 3" "-Z -m 1"; do
        # shellcheck disable=SC2086 # several words
        "$SMMAP" find $options x t/threads/[1-4] t/missing t/threads/* >"$work/expected" 2>"$work/said"
        # shellcheck disable=SC2086 # several words
        run find --threads 4 $options x t/threads/[1-4] t/missing t/threads/*
        is_code 2 && cmp "$out" "$work/expected" && cmp "$err" "$work/said" ||
            { echo "find $options"; return 1; }
    done
    gives 0 '' find --threads 4 -q x t/threads/*
}
check "find --threads prints the same" test_threads

# However little memory there is, an error has its message.
test_little_memory()
{
    mkdir t/crew
    for i in 0 1 2 3 4 5 6 7; do
        (cd t/crew && : >"$i" && : >"1$i" && : >"2$i" && : >"3$i") || return 1
    done
    for room in 8000 9000 10000 11000 12000 13000 14000 16000 20000; do
        (ulimit -v $room && "$SMMAP" --version) >"$out" 2>&1 || continue
        (ulimit -v $room && exec "$SMMAP" find --threads 32 x t/crew/*) >"$out" 2>"$err"
        test $? -eq 1 || test -s "$err" || { echo "nothing is said with $room KiB"; return 1; }
    done
}
check "find says when there is no memory" test_little_memory

# --- holes ------------------------------------------------------------------------

# The same file without holes is the model. Matches lie in data, across both ends of holes and of
# data, in holes, and over some data from hole to hole.
test_holes()
{
    cp --sparse=never t/holes t/filled && test "$(du -k t/filled | cut -f 1)" -ge 3072 || return 1
    zeroes=$(printf '00%.0s' $(seq 9000))
    for what in '-x 616263' '-x 000061' '-x 7a0000' '-x 78797a' "-x ${zeroes}616263" \
        "-x 797a${zeroes}" '-x -e 00000061 -e 63' '-i -e C' '--overlap -x -e 0061 -e 7a00' \
        '-x -m 700 0000' '-x --overlap -m 9 -e 000000 -e 6200' '-x -C 20 -e 0061 -e 7a00' \
        '-x --offset 1048575 --length 2M 0061' '-x --offset 2M --length 1 00' '-xc 00' '-c a' \
        '-x -e 0065 -e 6500' '-xc 0061' '-c b --offset -100'; do
        for windows in '' '--window-size 1M' '--mode static'; do
            # shellcheck disable=SC2086 # several words
            run find -h $windows $what t/filled
            cp "$out" "$work/expected"
            # shellcheck disable=SC2086 # several words
            run find -h $windows $what t/holes
            cmp "$out" "$work/expected" && test ! -s "$err" ||
                { echo "find $windows $what" | head -c 200; return 1; }
        done
        test -s "$work/expected" || { echo "nothing: $what"; return 1; }
    done
}

# Of 1 TiB next to nothing is read or mapped, or the processor's time is not enough for it.
test_void()
{
    for options in '' '--window-size 1M --stats'; do
        # shellcheck disable=SC2086 # none or some words
        (ulimit -t 20 && exec "$SMMAP" find $options -x 0061 t/void) >"$out" 2>"$err" &&
            test "$(cat "$out")" = t/void:1610612735 || { cat "$out" "$err"; return 1; }
    done
    counted maps -le 8
}

truncate -s 3M t/holes 2>/dev/null && put t/holes 0 ab && put t/holes 4093 xyz &&
    put t/holes 1048576 abc && put t/holes 2097149 xyz && put t/holes 2500000 e &&
    put t/holes 3145727 a
if [ "$(uname -s)" != Linux ] || [ "$(du -k t/holes | cut -f 1)" -gt 1024 ]; then
    skip "find in holes" "the system or its file system has none"
else
    check "find in a file with holes as in one without" test_holes
    # Below 2 GiB, as qemu-user for 32 bits takes less of an offset that is mapped.
    truncate -s 1T t/void && put t/void 1610612736 a
    check "find skips holes" test_void
fi
rm -f t/holes t/filled t/void

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
    for alphabet in ab aBbA abcdefgh 'abcdefghijklmnopqrstuvwxyz '; do
        for window in 1 $((granule * 2)) 1M; do
            seed=$((seed + 1))
            letters "$seed" $((granule * 4 + seed * 101)) "$alphabet" >t/random
            for size in 1 2 3 5 9 14; do
                pattern=$(tail -c +$((seed * 37 * size)) t/random | head -c "$size")
                for letters in -a -i; do
                    grep -obUaF $letters -e "$pattern" t/random | sed 's/:.*//' >"$work/expected"
                    test -s "$work/expected" || { echo "grep finds no '$pattern'"; return 1; }
                    run find -h ${letters#-a} --window-size "$window" -- "$pattern" t/random
                    is_code 0 && cmp "$out" "$work/expected" ||
                        { echo "$letters '$pattern' seed $seed window $window"; return 1; }
                    compared=$((compared + 1))
                done
            done
        done
    done
    test "$compared" -eq 144
}
if grep --version 2>/dev/null | grep -q 'GNU grep'; then
    check "find agrees with grep -obUaF on random text" test_random
else
    skip "find against grep" "this grep is not GNU grep"
fi
