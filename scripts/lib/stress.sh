# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The stress programs, for the lanes that run them.

# seconds_of VARIABLE DEFAULT: how long a program goes on. Whoever has a night to spare sets
# the variable.
seconds_of()
{
    local seconds=${!1:-$2}
    case "$seconds" in
    "" | *[!0-9]*)
        say "$1 is not a number of seconds: $seconds" >&2
        return 1
        ;;
    esac
    echo "$seconds"
}

# stress_seconds: each of the stress programs. Of the core's 1874 branches stress-posix takes 924
# in one lap, 933 in 5 seconds, 938 in 10, 939 in 15 and 940 in 20.
stress_seconds()
{
    seconds_of SMMAP_STRESS_SECONDS 10
}

# What `make` is told to build.
stress_programs="tests/stress/stress-fake tests/stress/stress-posix"

# run_counted NAME COMMAND...: run a program that ends with its sum. One that crashes, or says
# nothing at its end, has failed.
run_counted()
{
    local name=$1 answer=0 summary passed failed skipped log
    log=$build/$name.log
    shift
    mkdir -p "${log%/*}"
    "$@" >"$log" 2>&1 || answer=$?
    cat "$log"
    summary=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$')
    passed=${summary%% *}
    failed=${summary#*, }
    failed=${failed%% *}
    skipped=
    case "$summary" in
    *skipped) skipped=", ${summary##*, }" ;;
    esac
    if [ -z "$summary" ]; then
        # The seed stands in its first line.
        passed=0 failed=1
        say "    $name ended with exit code $answer; $(head -n 1 "$log")"
    elif [ "$answer" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        say "    $name ended with exit code $answer, a sanitizer's"
    fi
    result "$passed" "$failed" "$name" "$skipped"
    grep -aE '^(to run this lap again|skipped): ' "$log" | while read -r line; do
        say "    $line"
    done
}

# run_stress NOTE SECONDS [COMMAND...]: run those in $programs, by a command if there is one.
run_stress()
{
    local note=$1 seconds=$2 program
    shift 2
    for program in $stress_programs; do
        say "$program$note for $seconds s"
        run_counted "$program$note" "$@" "$programs/$program" --seconds "$seconds"
    done
}
