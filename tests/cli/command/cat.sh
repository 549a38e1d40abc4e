# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2034,SC2154,SC2317
# `smmap cat`. Sourced by command.sh.

check "cat a file" gives 0 'hello world' cat t/hello
check "cat files, one twice" gives 0 'hello worldhello world' cat t/hello t/empty t/hello
check "cat an empty file" gives 0 '' cat t/empty
check "cat --offset" gives 0 'world' cat --offset 6 t/hello
check "cat --offset and --length" gives 0 'lo w' cat --offset 3 --length 4 t/hello
check "cat of each file the same part" gives 0 'hehe' cat --length 2 t/hello t/hello
check "cat --length 0" gives 0 '' cat --length 0 t/hello
check "cat from before the end" gives 0 'ld' cat --offset -2 t/hello
check "cat from before the start" gives 0 'hel' cat --offset -100 --length 3 t/hello
check "cat from the end" gives 0 '' cat --offset 11 t/hello
check "cat from behind the end" gives 0 '' cat --offset 9223372036854775807 t/hello
check "cat more than there is" gives 0 'world' cat --offset 6 --length 18446744073709551615 t/hello

# A file is not written to its own end; nothing is said of pipes, or of one that is empty.
test_own_output()
{
    for options in '' '--offset 3' '--length 2'; do
        printf 'mine' >t/own && ln -f t/own t/own-2 || return 1
        # shellcheck disable=SC2086 # none or two words
        (ulimit -f 100 && exec "$SMMAP" cat $options --length 4 t/own t/hello t/own-2 >>t/own 2>"$err")
        code=$?
        is_code 2 && test "$(grep -c ': input file is output file' "$err")" -eq 2 &&
            says '^smmap: t/own-2: ' || return 1
        # shellcheck disable=SC2086
        { printf 'mine' && "$SMMAP" cat $options --length 4 t/hello; } | cmp - t/own || return 1
    done
    printf 'mine' >t/own && "$SMMAP" cat t/empty t/hello >>t/empty && cmp t/empty t/hello &&
        test "$("$SMMAP" cat t/own | cat)" = mine && "$SMMAP" cat t/own >/dev/null
}
check "cat of the file that is the output" test_own_output
: >t/empty

letters 11 $((granule * 5 + 77)) 'abcdefghijklmnopqrstuvwxyz0123456789' >t/text
head -c $((granule * 9 + 5)) /dev/urandom >t/noise

test_cat_ranges()
{
    for from in 0 1 $((granule - 1)) $granule $((granule + 1)) $((granule * 4 + 3)); do
        for size in 1 2 $((granule - 1)) $granule $((granule * 3 + 1)); do
            tail -c +$((from + 1)) t/noise | head -c "$size" >"$work/part"
            run cat --window-size 1 --max-memory 1 --offset "$from" --length "$size" t/noise
            is_code 0 && cmp "$out" "$work/part" || { echo "offset $from, length $size"; return 1; }
        done
    done
}
check "cat of ranges across windows, as tail and head have them" test_cat_ranges

for options in "--mode static" "--mode auto" "--mode sliding" "--window-size 1" \
    "--window-size $((granule + 1))" "--window-size 1G" "--max-memory 1 --max-regions 1" \
    "--hard-limits --max-memory $granule --max-regions 1 --max-open-files 1" \
    "--max-memory unlimited --max-regions unlimited --max-open-files unlimited"; do
    test_cat_options()
    {
        # shellcheck disable=SC2086 # several words
        run cat $options t/noise t/text t/noise
        is_code 0 && cat t/noise t/text t/noise | cmp - "$out"
    }
    check "cat $options" test_cat_options
done

check "cat with hexadecimal numbers" gives 0 'world' cat --offset 0x6 --length 0XaK t/hello
check "cat from a hexadecimal number before the end" gives 0 'ld' cat --offset -0x2 t/hello

# --- holes ------------------------------------------------------------------------

# In a file, behind what was written before; the output has as many holes, more or less.
test_hole_to_file()
{
    { printf start && "$SMMAP" cat t/holes t/hello t/holes; } >t/copy || return 1
    { printf start && cat t/holes t/hello t/holes; } | cmp - t/copy &&
        test "$(du -k t/copy | cut -f 1)" -lt 1024 || return 1
    # In the middle of a hole, to the end of one, and one that is all.
    for part in "--offset 100000 --length 2M" "--offset -1000000" "--offset 5M --length 3M" \
        "--offset 1 --length 300000" "--offset 3M"; do
        # shellcheck disable=SC2086 # several words
        "$SMMAP" cat --window-size 1 $part t/holes >t/copy && "$SMMAP" cat $part t/holes | cat |
            cmp - t/copy || { echo "$part"; return 1; }
    done
    "$SMMAP" cat --offset 3M --length 4194305 t/holes | cmp - t/hole-part
}

# Where there was something before, or where all goes to the end, zeroes are written.
test_hole_over_old()
{
    letters 1 100 x >t/copy
    "$SMMAP" cat t/holes >>t/copy && { letters 1 100 x; cat t/holes; } | cmp - t/copy || return 1
    cp t/noise t/copy && head -c $((granule * 9)) t/holes >t/few || return 1
    "$SMMAP" cat --length $((granule * 9)) t/holes 1<>t/copy &&
        { cat t/few; tail -c 5 t/noise; } | cmp - t/copy || return 1
    "$SMMAP" cat t/holes | cmp - t/holes
}

# Nothing of a hole is mapped, wherever it goes.
test_hole_not_read()
{
    truncate -s 64G t/void || return 1
    put t/void 0 a
    "$SMMAP" cat --stats --window-size "$granule" t/void 2>"$err" >/dev/null &&
        counted maps -eq 1 || return 1
    "$SMMAP" cat --stats --window-size "$granule" t/void 2>"$err" >t/copy &&
        counted maps -eq 1 && test "$(wc -c <t/copy)" -eq 68719476736 &&
        test "$(du -k t/copy | cut -f 1)" -lt 1024
}

truncate -s 8M t/holes 2>/dev/null && put t/holes 0 begin && put t/holes 3145728 middle &&
    put t/holes 7340032 end
if [ "$(uname -s)" != Linux ] || [ "$(du -k t/holes | cut -f 1)" -gt 1024 ]; then
    skip "cat of holes" "the system or its file system has none"
else
    tail -c +3145729 t/holes | head -c 4194305 >t/hole-part
    check "holes become holes in a file" test_hole_to_file
    check "holes become zeroes where no hole can be" test_hole_over_old
    check "no hole is read" test_hole_not_read
fi
rm -f t/holes t/copy t/void t/few t/hole-part
