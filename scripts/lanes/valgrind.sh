# shellcheck shell=bash
lane_about="valgrind's memcheck with leaks, on the two CUnit suites"
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
    # The suites make fewer random steps when they are told to.
    export SMMAP_TEST_LIGHT=1
    # shellcheck disable=SC2046 # a list of words
    build_all $(configure_places) CFLAGS="-O1 -g" || return 1
    run_tests LOG_COMPILER="$memcheck" \
        TESTS="$(cd "$build" && make -s list-tests | grep -v '\.sh$' | tr '\n' ' ')"
}
