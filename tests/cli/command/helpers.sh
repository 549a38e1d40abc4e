# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2034,SC2154,SC2317
# What the parts of command.sh share: running the command and judging what it did. Sourced.

# run ARGUMENT...: the command; leaves $out, $err and $code.
run()
{
    "$SMMAP" "$@" >"$out" 2>"$err"
    code=$?
}

is_code()
{
    test "$code" -eq "$1" || {
        echo "exit code $code, not $1; on standard error:"
        head -c 400 "$err"
        return 1
    }
}

# gives CODE TEXT ARGUMENT...: exit code, and standard output to the byte (but for a newline
# at its end); nothing on standard error when the code is 0 or 1.
gives()
{
    want_code=$1
    want=$2
    shift 2
    run "$@"
    is_code "$want_code" || return 1
    test "$(cat "$out")" = "$want" || {
        echo "printed:"
        head -c 400 "$out"
        echo "wanted:"
        printf '%s\n' "$want" | head -c 400
        return 1
    }
    test "$want_code" -eq 2 || test ! -s "$err" || {
        echo "on standard error:"
        head -c 400 "$err"
        return 1
    }
}

# complains REGEX ARGUMENT...: exit code 2, a message that matches, no output.
complains()
{
    want=$1
    shift
    run "$@"
    is_code 2 || return 1
    test ! -s "$out" || { echo "printed:"; head -c 400 "$out"; return 1; }
    grep -q -e "$want" "$err" || { echo "no '$want' in:"; head -c 400 "$err"; return 1; }
}

# says REGEX: on standard error of the last run.
says()
{
    grep -q -e "$1" "$err" || { echo "no '$1' in:"; head -c 400 "$err"; return 1; }
}

# counter NAME: from --stats of the last run.
counter()
{
    awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print "none" }' "$err"
}

# counted NAME OPERATOR NUMBER
counted()
{
    test "$(counter "$1")" "$2" "$3" || {
        echo "$1 is $(counter "$1"), not $2 $3"
        return 1
    }
}

# letters SEED COUNT ALPHABET: random text without newlines.
letters()
{
    awk -v seed="$1" -v count="$2" -v alphabet="$3" 'BEGIN {
        srand(seed)
        size = length(alphabet)
        for (i = 0; i < count; i++)
            printf "%s", substr(alphabet, int(rand() * size) + 1, 1)
    }'
}

# put FILE OFFSET TEXT: write text into a file, in place.
put()
{
    printf '%s' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
