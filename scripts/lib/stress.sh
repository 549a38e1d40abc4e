# shellcheck shell=bash
# The stress programs, for the lanes that run them.

# stress_seconds DEFAULT: how long each of them goes on. Whoever has a night to spare says
# SMMAP_STRESS_SECONDS=10000.
stress_seconds()
{
    local seconds=${SMMAP_STRESS_SECONDS:-$1}
    case "$seconds" in
    "" | *[!0-9]*)
        say "SMMAP_STRESS_SECONDS is not a number of seconds: $seconds" >&2
        return 1
        ;;
    esac
    echo "$seconds"
}

# stress_programs: those of the build in $build.
stress_programs()
{
    (cd "$build" && make -s list-tests) | grep '/stress-'
}

# run_stress NOTE SECONDS [COMMAND...]: run the programs of $build, by a command if there is
# one. A program that crashes, or says nothing at its end, has failed.
run_stress()
{
    local note=$1 seconds=$2 programs program answer log summary passed failed skipped
    shift 2
    programs=$(stress_programs)
    if [ -z "$programs" ]; then
        result 0 1 "stress$note" " (there is no program)"
        return 1
    fi
    for program in $programs; do
        log=$build/$program$note.log
        say "$program$note for $seconds s"
        answer=0
        "$@" "$build/$program" --seconds "$seconds" >"$log" 2>&1 || answer=$?
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
            say "    $program ended with exit code $answer; $(head -n 1 "$log")"
        elif [ "$answer" -ne 0 ] && [ "$failed" -eq 0 ]; then
            failed=1
            say "    $program ended with exit code $answer, a sanitizer's"
        fi
        result "$passed" "$failed" "$program$note" "$skipped"
        grep -aE '^(to run this lap again|skipped): ' "$log" | while read -r line; do
            say "    $line"
        done
    done
}
