# shellcheck shell=bash
# What the lanes are made of. scripts/check sources this file, then one lane.
#
# A lane is a file scripts/lanes/NAME.sh that defines
#
#     lane_about    one line for --list
#     lane_things   what it needs, names of scripts/lib/packages.sh
#     lane_run      the work; its output is the log of the lane
#     lane_possible (if need be) prints why it cannot run on this system, and fails
#
# and uses the functions below. Results are written to a file, one line for each test
# or step: "PASSED FAILED NAME". A lane does not print sums; scripts/check makes them.
#
# Set by scripts/check: top (the tree), work (the build directory of all checks),
# source (a copy of the tree in it), build (the directory of this lane), results, jobs.
# File descriptor 3 is where the reader looks.

say()
{
    echo "   $*" >&3
    echo "--- $*"
}

# result PASSED FAILED NAME [NOTE]
result()
{
    echo "$1 $2 $3" >>"$results"
    say "$(printf '%-44s %s passed, %s failed%s' "$3" "$1" "$2" "${4:-}")"
}

# step NAME COMMAND...: one passed or one failed.
step()
{
    local name=$1
    shift
    echo "--- $name: $*"
    if "$@"; then
        result 1 0 "$name"
    else
        result 0 1 "$name"
        return 1
    fi
}

# copy_source: bring the copy of the tree up to date. Times are kept, so that make builds
# what changed and no more, and the tree itself stays as it is, whether it was built in
# or not. What git ignores is left out; without git, what a build leaves behind is: make
# would find it there and take it for its own.
copy_source()
{
    local list=$work/source.list old=$work/source.list.old
    mkdir -p "$source"
    test ! -f "$list" || mv "$list" "$old"
    (
        cd "$top" || exit 1
        if [ "$(git rev-parse --show-cdup 2>/dev/null || echo none)" = "" ]; then
            git ls-files --cached --others --exclude-standard | while read -r file; do
                test ! -f "$file" || echo "./$file"
            done
        else
            find . \( -name .git -o -name .deps -o -name .libs -o -name autom4te.cache \
                -o -path ./build \) -prune -o -type f \
                ! -name '*.o' ! -name '*.lo' ! -name '*.la' ! -name '*.a' ! -name '*.trs' \
                ! -name '*.log' ! -name config.status ! -name config.h ! -name libtool \
                ! -name stamp-h1 ! -name .dirstamp ! -path ./Makefile ! -path ./smmap.pc \
                ! -path ./smmap ! -path ./smmap-bench ! -path ./smmap-bookkeeping \
                ! -path ./tests/suite-fake ! -path ./tests/suite-posix \
                ! -path ./tests/stress/stress-fake ! -path ./tests/stress/stress-posix \
                ! -path ./tests/model/model ! -path ./tests/chaos/chaos \
                ! -path ./tests/run-smmap ! -path ./tests/run-packscan ! -name '*.exe' \
                ! -path ./examples/first ! -path ./examples/reader ! -path ./examples/packscan \
                -print
        fi | LC_ALL=C sort >"$list"
        tar -cf - -T "$list"
    ) | (cd "$source" && tar -xpf -) || return 1
    # Files that were there last time and are no more.
    if [ -f "$old" ]; then
        LC_ALL=C comm -23 "$old" "$list" | while read -r file; do
            rm -f "$source/$file"
        done
    fi
}

# make_configure: configure is made once, and again by make when what it is made of changes.
make_configure()
{
    test -x "$source/configure" && test -f "$source/Makefile.in" && return 0
    "$source/autogen.sh"
}

# configure_build ARGUMENT...: in $build. Skipped when it was done with the same arguments
# and nothing was installed since.
configure_build()
{
    local stamp=$build/configured
    if [ "$packages_installed" -eq 0 ] && [ -f "$build/Makefile" ] &&
        [ "$(cat "$stamp" 2>/dev/null)" = "$*" ]; then
        return 0
    fi
    say "configuring"
    rm -rf "$build"
    mkdir -p "$build"
    (cd "$build" && ${configure_prefix:-} "$source/configure" "$@") || return 1
    echo "$*" >"$stamp"
}

# build_all ARGUMENT...: configure and make, the programs of the tests included.
build_all()
{
    configure_build "$@" || return 1
    say "building"
    (cd "$build" && make -j "$jobs" all && make -j "$jobs" check TESTS=)
}

# native_build: what the lane native builds, for lanes that run the same programs in another
# way, or look at them. It is made when that lane has not made it. Sets native_programs.
# shellcheck disable=SC2046 # a list of words
native_build()
{
    native_programs=$work/native
    (build=$native_programs && build_all $(configure_places))
}

# run_tests [VARIABLE=VALUE...]: make check, then count what each test says about itself.
run_tests()
{
    local answer=0 tests variable
    tests=$(cd "$build" && make -s list-tests) || return 1
    for variable in "$@"; do
        case "$variable" in
        TESTS=*) tests=${variable#TESTS=} ;;
        esac
    done
    find "$build/tests" \( -name '*.trs' -o -name '*.log' \) -exec rm -f {} +
    say "testing"
    # Two at a time: some tests are about limits of memory.
    (cd "$build" && make -j 2 -k check "$@" </dev/null) || answer=1
    # A list of words.
    # shellcheck disable=SC2086
    count_tests $tests
    return $answer
}

# count_tests TEST...: a test that has no summary, ran nothing, or failed without a failed
# check (a crash at the end, a leak) counts as one failure.
count_tests()
{
    local test name log outcome summary passed failed note reason
    for test in "$@"; do
        name=${test%.sh}
        name=${name%.exe}
        log=$build/$name.log
        outcome=$(sed -n 's/^:test-result: *//p' "$build/$name.trs" 2>/dev/null)
        summary=$(grep -aE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" 2>/dev/null |
            tail -n 1)
        passed=0 failed=0 note=
        if [ -n "$summary" ]; then
            passed=${summary%% *}
            failed=${summary#*, }
            failed=${failed%% *}
            case "$summary" in
            *skipped) note=", ${summary##*, }" ;;
            esac
        fi
        case "$outcome" in
        PASS)
            if [ -z "$summary" ]; then
                failed=1 note=" (no summary line)"
            elif [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
                failed=1 note=" (it ran nothing)"
            fi
            ;;
        SKIP)
            if [ "$passed" -ne 0 ] || [ "$failed" -ne 0 ]; then
                failed=$((failed + 1)) note=" (said that it could not run)"
            fi
            ;;
        "")
            failed=$((failed + 1)) note=" (did not run)"
            ;;
        *)
            test "$failed" -gt 0 || { failed=1 note=" (ended with an error)"; }
            ;;
        esac
        result "$passed" "$failed" "$test" "$note"
        grep -a '^ *skipped: ' "$log" 2>/dev/null | awk '!seen[$0]++' | while read -r reason; do
            say "    $reason"
        done
        if [ "$failed" -gt 0 ] && [ -f "$log" ]; then
            echo "--- the end of $log:"
            tail -n 60 "$log"
        fi
    done
}

# list_programs: of the tests, those that are no scripts, on one line.
list_programs()
{
    (cd "$build" && make -s list-tests) | grep -v '\.sh$' | tr '\n' ' '
}

# build_and_test ARGUMENT...: what most lanes are. A list of words in $places.
# shellcheck disable=SC2046
build_and_test()
{
    build_all $(configure_places) "$@" && run_tests
}
