# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What the lanes that build with CMake share.

# cmake_build ARGUMENT...: in $build. It is configured anew when the arguments or the
# libraries are others; CMake sees by itself when a file of its own has changed.
cmake_build()
{
    local stamp=$build/configured what
    what="$* $(libraries)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$what" ]; then
        say "configuring"
        rm -rf "$build"
        mkdir -p "$build"
        cmake -S "$source" -B "$build" -G "Unix Makefiles" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
            "$@" || return 1
        echo "$what" >"$stamp"
    fi
    say "building"
    cmake --build "$build" -j "$jobs"
}

# ctest_run [ARGUMENT...]: run the tests, and count what each says about itself. ctest writes
# one log for all; it is cut into a log for each test, as `make check` leaves them behind, and
# a list of outcomes.
ctest_run()
{
    local answer=0 tests test
    tests=$(cd "$build" && ctest -N "$@" | sed -n 's/^ *Test *#[0-9]*: //p') || return 1
    rm -f "$build/Testing/Temporary/LastTest.log"
    say "testing"
    # Two at a time: some tests are about limits of memory.
    (cd "$build" && ctest -j 2 "$@" </dev/null) || answer=1
    for test in $tests; do
        mkdir -p "$build/${test%/*}"
        rm -f "$build/${test%.sh}.log"
    done
    (cd "$build" && tr -d '\r' <Testing/Temporary/LastTest.log | awk '
        /^[0-9]+\/[0-9]+ Testing: / { test = log_name = $3; sub(/\.sh$/, "", log_name); next }
        /^-+$/ && before == "Output:" { inside = 1; next }
        { before = $0 }
        /^<end of output>$/ { inside = 0; next }
        inside { print >(log_name ".log"); next }
        /^Test (Passed\.|Pass Reason:)$/ { print test, "PASS" }
        /^Test Failed\.$/ { print test, "FAIL" }
        /^Test (Skipped|Not Run)\.$/ { print test, "SKIP" }') >"$build/outcomes" || return 1
    for test in $tests; do
        count_test "$test" "$(sed -n "s,^$test ,,p" "$build/outcomes")"
    done
    return $answer
}

# cmake_consumer NAME PREFIX LAUNCHER FILE ARGUMENT...: the project tests/package/consumer
# finds the library below PREFIX, builds, and each of its programs reads FILE. LAUNCHER: what
# runs them, or nothing. The path of the shared library is the caller's business.
cmake_consumer()
{
    local name=$1 prefix=$2 launcher=$3 file=$4 outside program count=0
    shift 4
    outside=$build/$name
    rm -rf "$outside"
    mkdir -p "$outside"
    cp -R "$source/tests/package/consumer" "$outside/source" &&
        cmake -S "$outside/source" -B "$outside/build" -G "Unix Makefiles" \
            -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release "$@" &&
        cmake --build "$outside/build" || return 1
    for program in "$outside"/build/consumer*; do
        case "$program" in
        *.exe) ;;
        *.*) continue ;;
        esac
        test -x "$program" || continue
        echo "$program"
        # A launcher is a list of words, or none.
        # shellcheck disable=SC2086
        $launcher "$program" "$file" || return 1
        count=$((count + 1))
    done
    test "$count" -gt 0
}
