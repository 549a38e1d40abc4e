# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The builds with sanitizers, for the lanes that run programs of them. Each takes the targets
# to make, and sets programs, the directory they are in.

# asan_build [TARGET...]: AddressSanitizer, leaks too, and UndefinedBehaviorSanitizer.
# shellcheck disable=SC2046 # a list of words
asan_build()
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
    shared_build asan "${*:-check-programs}" $(configure_places) \
        CFLAGS="-O1 -g -fno-omit-frame-pointer $flags" LDFLAGS="$flags"
}

# tsan_possible: for 64-bit systems; says why not.
tsan_possible()
{
    case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-aarch64 | Darwin-*) ;;
    *)
        echo "ThreadSanitizer is for 64-bit Linux and macOS"
        return 1
        ;;
    esac
}

# tsan_build [TARGET...]: ThreadSanitizer. Sets command, which runs a program.
# shellcheck disable=SC2034,SC2046 # used by the lanes; a list of words
tsan_build()
{
    local flags="-fsanitize=thread"
    # Where the kernel spreads addresses widely, a program may not fit around the shadow
    # memory of the sanitizer. A container may not allow to turn that off.
    command=env
    if setarch -R true 2>/dev/null; then
        command="setarch -R"
    fi
    # No report is suppressed: libapr is not instrumented, but its locks are pthread's,
    # which the sanitizer sees.
    export TSAN_OPTIONS="halt_on_error=0:second_deadlock_stack=1:history_size=4:exitcode=66"
    shared_build tsan "${*:-check-programs}" $(configure_places) --disable-shared \
        CFLAGS="-O1 -g $flags" LDFLAGS="$flags"
}
