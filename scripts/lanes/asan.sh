# shellcheck shell=bash
lane_about="AddressSanitizer and UndefinedBehaviorSanitizer, leaks too, the whole suite"
lane_things="compiler c++ make autotools pkg-config apr cunit zlib git"

lane_run()
{
    local flags="-fsanitize=address,undefined -fno-sanitize-recover=all" leaks=1
    if [ "$(uname -s)" = Darwin ]; then
        leaks=0
        say "skipped: leaks because the sanitizer does not find them on this system"
    fi
    # Some tests ask for more memory than there can be: the answer is to be NULL, not an abort.
    export ASAN_OPTIONS="detect_leaks=$leaks:detect_stack_use_after_return=1"
    ASAN_OPTIONS="$ASAN_OPTIONS:strict_string_checks=1:allocator_may_return_null=1"
    export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
    build_and_test CFLAGS="-O1 -g -fno-omit-frame-pointer $flags" LDFLAGS="$flags"
}
