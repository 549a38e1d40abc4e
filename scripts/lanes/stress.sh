# shellcheck shell=bash
lane_about="many threads for some time, plain and with AddressSanitizer (SMMAP_STRESS_SECONDS)"
lane_things="compiler make autotools pkg-config apr cunit"

# stress_build NAME ARGUMENT...: the stress programs alone, in a directory of their own.
# shellcheck disable=SC2046,SC2086 # lists of words
stress_build()
{
    build=$lane_build/$1
    shift
    configure_build $(configure_places) --disable-shared "$@" || return 1
    say "building"
    (cd "$build" && make -j "$jobs" $(stress_programs))
}

lane_run()
{
    local lane_build=$build leaks=1 seconds flags
    . "$top/scripts/lib/stress.sh"
    seconds=$(stress_seconds 15) || return 1
    mkdir -p "$lane_build"

    stress_build plain CFLAGS="-O2 -g" || return 1
    run_stress "" "$seconds"

    test "$(uname -s)" != Darwin || leaks=0 # not known to the sanitizer there
    export ASAN_OPTIONS="detect_leaks=$leaks:detect_stack_use_after_return=1"
    export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
    flags="-fsanitize=address,undefined -fno-sanitize-recover=all"
    stress_build asan CFLAGS="-O1 -g -fno-omit-frame-pointer $flags" LDFLAGS="$flags" || return 1
    run_stress -asan "$seconds"
}
