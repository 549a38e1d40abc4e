# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="many threads for some time, plain and with AddressSanitizer (SMMAP_STRESS_SECONDS)"
lane_things="compiler make autotools pkg-config apr cunit"

# A list of words in $stress_programs.
# shellcheck disable=SC2086
lane_run()
{
    local seconds
    . "$top/scripts/lib/stress.sh"
    . "$top/scripts/lib/sanitizers.sh"
    seconds=$(stress_seconds) || return 1
    native_build $stress_programs || return 1
    run_stress "" "$seconds"
    asan_build $stress_programs || return 1
    run_stress -asan "$seconds"
}
