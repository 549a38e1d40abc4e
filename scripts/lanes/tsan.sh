# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="ThreadSanitizer on the CUnit suites and the stress programs (SMMAP_STRESS_SECONDS)"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git tsan"

lane_possible()
{
    . "$top/scripts/lib/sanitizers.sh"
    tsan_possible
}

lane_run()
{
    local command seconds
    . "$top/scripts/lib/stress.sh"
    . "$top/scripts/lib/sanitizers.sh"
    seconds=$(stress_seconds) || return 1
    tsan_build || return 1
    # The suites make fewer random steps when they are told to.
    SMMAP_TEST_LIGHT=1 run_tests LOG_COMPILER="$command" \
        TESTS="$(list_tests /suite-)"
    # A list of words.
    # shellcheck disable=SC2086
    run_stress "" "$seconds" $command
}
