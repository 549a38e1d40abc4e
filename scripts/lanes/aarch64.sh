# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
. "$top/scripts/lib/cross.sh"
lane_about="Linux on aarch64, by clang and qemu-user: a processor with weakly ordered memory"
lane_things="$cross_things aarch64"

lane_run()
{
    local seconds runner
    . "$top/scripts/lib/stress.sh"
    seconds=$(stress_seconds) || return 1
    cross_run aarch64-linux-gnu qemu-aarch64
    # A list of words.
    # shellcheck disable=SC2086
    test -z "${runner:-}" || run_stress "" "$seconds" $runner
}
