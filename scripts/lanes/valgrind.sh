# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="valgrind's memcheck with leaks, on the suites, stress, model and chaos programs"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git valgrind"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "valgrind is packaged for Linux"
        return 1
    fi
}

lane_run()
{
    local memcheck="valgrind --quiet --leak-check=full --num-callers=20 --error-exitcode=99"
    # A guarded load is made again after a fault. By default valgrind knows then but a few of
    # the registers, and the load takes an old address.
    memcheck="$memcheck --vex-iropt-register-updates=allregs-at-mem-access"
    memcheck="$memcheck --suppressions=$top/scripts/lib/valgrind.supp"
    . "$top/scripts/lib/stress.sh"
    # The suites make fewer random steps when they are told to.
    export SMMAP_TEST_LIGHT=1
    native_build || return 1
    (
        build=$programs
        run_tests LOG_COMPILER="$memcheck" \
            TESTS="$(list_tests '[^h]$' | sed 's,tests/chaos/chaos ,,')"
    ) || return 1

    # Of two neighbouring mappings of one file that had another name in between, valgrind
    # (3.19) lets go the name of the wrong one, and after some of them it ends with
    # "! is_freeslot(ix)". So no path gets another file here; the lane chaos does that.
    say "files are cut while they are read"
    # shellcheck disable=SC2086 # a list of words
    run_counted tests/chaos/chaos $memcheck "$programs/tests/chaos/chaos" --same-files
}
