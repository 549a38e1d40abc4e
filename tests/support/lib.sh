# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# What the shell tests of the build share: where they work, and counting. Source it.

passed=0
failed=0
skipped=0

# make_work NAME: an empty directory, which goes when the test ends; `work` is its path.
make_work()
{
    work=$(mktemp -d "${TMPDIR:-/tmp}/smmap-$1.XXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
}

# locate PROGRAM: its full path.
locate()
{
    case $1 in
    */*) echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")" ;;
    *) command -v "$1" ;;
    esac
}

# check NAME COMMAND...: the command must succeed; what it prints is shown when it does not.
check()
{
    check_name=$1
    shift
    # See is_left_out() in runner.c.
    check_reason=
    test -z "${SMMAP_TEST_SKIP:-}" || check_reason=$(NAME=$check_name awk '
        index($0, ENVIRON["NAME"] " because ") == 1 {
            print substr($0, length(ENVIRON["NAME"] " because ") + 1)
        }' "$SMMAP_TEST_SKIP")
    if [ -n "$check_reason" ]; then
        skip "$check_name" "$check_reason"
    elif check_output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $check_name"
        printf '%s\n' "$check_output" | sed 's/^/    /'
    fi
}

# skip NAME REASON
skip()
{
    skipped=$((skipped + 1))
    echo "skipped: $1 because $2"
}

# The last words: the summary line, and the exit code that goes with it.
finish()
{
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ] || exit 1
    [ "$passed" -gt 0 ] || exit 77
    exit 0
}
