# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="instructions of a hit, counted by callgrind, against the ceilings in bench/"
lane_things="compiler make autotools pkg-config apr git valgrind"

lane_possible()
{
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        echo "the ceilings were measured on Linux on x86-64"
        return 1
    fi
}

accesses=100000

# in_build COMMAND...: without the script that libtool puts before a program, so that
# valgrind sees the program.
in_build()
{
    "$programs/libtool" --mode=execute "$@"
}

# counted WORKLOAD CONTENDER: instructions of one access, printed.
counted()
{
    local run="$programs/smmap-bench --dir $build --size 4M --contender $2 --instructions $1"
    local function log=$build/callgrind.log
    # A list of words.
    # shellcheck disable=SC2086
    function=$(in_build $run 1 | sed -n 's/^function //p')
    test -n "$function" || { echo "$2 does not do $1" >&2; return 1; }
    # shellcheck disable=SC2086
    if ! in_build valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "--toggle-collect=$function" $run $accesses >"$log" 2>&1 ||
        ! grep -q '^verified$' "$log"; then
        cat "$log" >&2
        return 1
    fi
    awk -v accesses=$accesses '$2 == "Collected" && $4 > 0 { printf "%.2f\n", $4 / accesses }' \
        "$log" | tail -n 1 | grep .
}

# below CEILING WORKLOAD CONTENDER
below()
{
    local raw ours
    raw=$(counted "$2" raw) && ours=$(counted "$2" "$3") || return 1
    awk -v raw="$raw" -v ours="$ours" -v ceiling="$1" 'BEGIN {
        more = ours - raw
        printf "%.2f instructions, the raw pointer %.2f: %.2f more, ceiling %s\n",
            ours, raw, more, ceiling
        exit more > ceiling
    }' | tee "$build/said"
    test "${PIPESTATUS[0]}" -eq 0
}

lane_run()
{
    local workload contender ceiling rest list=$source/bench/instructions.txt
    native_build smmap-bench || return 1
    say "counting"
    while read -r workload contender ceiling rest; do
        case "$workload" in
        '' | '#'*) continue ;;
        esac
        rm -f "$build/said"
        step "$workload $contender" below "$ceiling" "$workload" "$contender" || true
        test ! -f "$build/said" || say "    $(cat "$build/said")"
    done <"$list"
}
