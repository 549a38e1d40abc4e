# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2034,SC2154,SC2317
# Help, the version, and what is refused with a message. Sourced by command.sh.

test_help()
{
    run --help && is_code 0 && grep -q '^usage: smmap COMMAND' "$out" || return 1
    for command in info cat find bench; do
        run "$command" --help
        is_code 0 && grep -q "^usage: smmap $command" "$out" && grep -q 'Exit code' "$out" &&
            test ! -s "$err" || { echo "$command --help"; return 1; }
        cp "$out" "$work/help"
        run help "$command"
        is_code 0 && cmp "$out" "$work/help" || return 1
        awk 'length > 80 { print "too wide: " $0; wide = 1 } END { exit wide }' "$out" || return 1
    done
}
check "--help, and 'help COMMAND'" test_help

test_version()
{
    run --version
    is_code 0 && grep -q '^smmap [0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]* (' "$out"
}
check "--version" test_version

printf 'hello world' >t/hello
: >t/empty

# mistake REGEX ARGUMENT...
mistake()
{
    check "refused: smmap $(shift; echo "$*" | head -c 70)" complains "$@"
}
mistake 'no command given'
mistake "unknown command 'fnid'" fnid x t/hello
mistake "unknown option '--bogus'" --bogus
mistake 'unexpected argument' --version extra
mistake "unknown command 'x'" help x
mistake 'no pattern given' find
mistake 'no pattern given' find -r
mistake 'no file given' cat
mistake 'no file given' info
mistake 'smmap bench: .*unknown option' bench --bogus
mistake 'smmap bench: .*too small' bench t/hello
mistake "unknown option '--bogus'" cat --bogus t/hello
mistake "did you mean '--max-memory'" cat --max-mem 4K t/hello
mistake "did you mean '--count'" find --cuont x t/hello
mistake "unknown option '-y'" find -cy x t/hello
mistake "'--stats' takes no value" cat --stats=3 t/hello
mistake "'--offset' needs a value" cat t/hello --offset
mistake "'-m' needs a value" find x t/hello -m
mistake 'standard input' cat -
mistake 'end of standard input is not known' find --offset -3 x t/hello -
mistake "'' is empty" cat --length= t/hello
mistake 'is not a number' cat --length abc t/hello
mistake 'is not a number' cat --length +5 t/hello
mistake 'is not a number' cat --length ' 5' t/hello
mistake 'is not a number' cat --length K t/hello
mistake 'is not a number' cat --offset --5 t/hello
mistake 'is not a number' cat --offset - t/hello
mistake 'is negative' cat --length -5 t/hello
mistake 'not K, M, G or T' cat --length 5X t/hello
mistake 'not K, M, G or T' cat --length '5 ' t/hello
mistake 'not K, M, G or T' cat --length 5.5 t/hello
mistake 'not K, M, G or T' cat --length 0x t/hello
mistake 'not K, M, G or T' cat --length 0xg t/hello
mistake 'not K, M, G or T' cat --length 1a t/hello
mistake 'is too large' cat --length 0x10000000000000000 t/hello
mistake 'is too large' cat --length 0x1000000T t/hello
mistake 'is too large' cat --offset -0x8000000000000000 t/hello
mistake 'behind the unit' cat --length 5KB t/hello
mistake 'behind the number' find --max-count 5K x t/hello
mistake 'is too large' cat --length 18446744073709551616 t/hello
mistake 'is too large' cat --length 16777216T t/hello
mistake 'is too large' cat --offset 9223372036854775808 t/hello
mistake 'is too large' cat --offset -9223372036854775808 t/hello
mistake 'is too large' cat --max-memory 18446744073709551614 t/hello
mistake 'must be 1 or more' cat --window-size 0 t/hello
mistake 'must be 1 or more' cat --max-memory 0 t/hello
mistake 'must be 1 or more' cat --max-regions 0 t/hello
mistake 'must be 1 or more' cat --max-open-files 0 t/hello
mistake 'is not one of' cat --mode slow t/hello
mistake 'hard limit of mapped bytes' cat --hard-limits --max-memory 1 t/hello
mistake 'only one of' find -c -l x t/hello
mistake 'is empty' find '' t/hello
mistake 'is empty' find --hex ' ' t/hello
mistake 'half a byte' find --hex 123 t/hello
mistake 'half a byte' find --hex '1 23' t/hello
mistake 'not a hexadecimal digit' find --hex 1g t/hello
mistake 'not a hexadecimal digit' find --hex 0x12 t/hello
mistake 'is empty' find -e x -e '' t/hello
mistake 'not a hexadecimal digit' find -x -e 12 -e 1g t/hello
mistake 'is too small' find --threads 0 x t/hello
mistake 'is too large' find --threads 257 x t/hello
mistake 'is too large' find -C 65537 x t/hello
mistake 'is not one of auto' find --color maybe x t/hello
mistake 't: is a directory' find x t
mistake 'longer than 32768' find "$(letters 1 32769 ab)" t/hello

check "options behind the operands" gives 0 'world' cat t/hello --offset -5
check "'--' ends the options" gives 0 '3' find -h -- lo t/hello
check "'-' is a pattern" gives 1 '' find - t/hello
check "'--option=value'" gives 0 'hell' cat --length=4 t/hello
