# shellcheck shell=bash
lane_about="ThreadSanitizer on the CUnit suites and the stress programs (SMMAP_STRESS_SECONDS)"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git tsan"

lane_possible()
{
    case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-aarch64 | Darwin-*) ;;
    *)
        echo "ThreadSanitizer is for 64-bit Linux and macOS"
        return 1
        ;;
    esac
}

lane_run()
{
    local flags="-fsanitize=thread" command=env seconds
    . "$top/scripts/lib/stress.sh"
    seconds=$(stress_seconds 20) || return 1
    # Where the kernel spreads addresses widely, a program may not fit around the shadow
    # memory of the sanitizer. A container may not allow to turn that off.
    if setarch -R true 2>/dev/null; then
        command="setarch -R"
    fi
    # No report is suppressed: libapr is not instrumented, but its locks are pthread's,
    # which the sanitizer sees.
    export TSAN_OPTIONS="halt_on_error=0:second_deadlock_stack=1:history_size=4:exitcode=66"
    # The suites make fewer random steps when they are told to.
    export SMMAP_TEST_LIGHT=1
    # shellcheck disable=SC2046 # a list of words
    build_all $(configure_places) --disable-shared CFLAGS="-O1 -g $flags" LDFLAGS="$flags" ||
        return 1
    run_tests LOG_COMPILER="$command" \
        TESTS="$(cd "$build" && make -s list-tests | grep /suite- | tr '\n' ' ')"
    unset SMMAP_TEST_LIGHT
    # A list of words.
    # shellcheck disable=SC2086
    run_stress "" "$seconds" $command
}
