# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
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
# source (a copy of the tree in it), lane, lane_start, build (the directory of this lane),
# results, jobs, progress. File descriptor 3 is where the reader looks.
#
# Lanes run side by side. What several of them need is built once, by shared_build.

# How a build says how far it has come: terminal, lines or none.
progress=none

# When what says something began; a lane has its own.
lane_start=$SECONDS

# say TEXT...: to the reader, with the lane's age in seconds, and to the log.
say()
{
    end_progress
    printf '%4d s  %s\n' $((SECONDS - lane_start)) "$*" >&3
    echo "--- $*"
}

# show_progress DONE TOTAL WHAT: on a terminal a line that changes, otherwise a line now and
# then; nothing where several lanes run at once.
show_progress()
{
    case "$progress" in
    terminal)
        printf '\r        %s of %s: %.60s\033[K' "$1" "$2" "$3" >&3
        ;;
    lines)
        test "$2" -le 0 || test $(($1 * 5 / $2)) -eq $((($1 - 1) * 5 / $2)) ||
            say "$1 of $2: $3"
        ;;
    esac
}

end_progress()
{
    test "$progress" != terminal || printf '\r\033[K' >&3
}

# print_table FILE...: lines of "LANE SECONDS CPU PASSED FAILED", with a head and a sum.
print_table()
{
    cat "$@" | awk '
        BEGIN {
            form = "%-14s %8s %8s %8s %8s\n"
            printf form, "lane", "seconds", "CPU s", "passed", "failed"
        }
        { printf form, $1, $2, $3, $4, $5; cpu += $3; passed += $4; failed += $5 }
        END { printf form, "all", "", cpu, passed, failed }'
}

# with_lock NAME COMMAND...: only one lane at a time is in it. scripts/check takes away what a
# lane that was killed has left.
with_lock()
{
    local lock answer
    lock=$work/$(echo "$1" | tr / -).lock
    shift
    until mkdir "$lock" 2>/dev/null; do
        sleep 1
    done
    : >"$lock/$lane"
    "$@"
    answer=$?
    rm -rf "$lock"
    return $answer
}

# result PASSED FAILED NAME [NOTE]
result()
{
    echo "$1 $2 $3" >>"$results"
    test "$2" -eq 0 || echo "$lane: $3" >>"$work/failures"
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
                ! -path ./examples/packscan \
                -print
        fi | LC_ALL=C sort >"$list"
        tar -cf - -T "$list"
    ) | (cd "$source" && tar -xpf -) || return 1
    # Files that were there last time and are no more.
    if [ -f "$old" ]; then
        LC_ALL=C comm -23 "$old" "$list" | while read -r file; do
            rm -f "$source/$file"
            case "$file" in
            # Objects of files that are no more must not be taken for a part of a build.
            *.c) rm -f "$work"/*/configured ;;
            esac
        done
    fi
}

# make_configure: configure is made once, and again when what it is made of changes. (make would
# do so, too, but a build that is configured anew would begin with an old one.)
make_configure()
{
    local stamp=$work/configure.made file old=0
    for file in autogen.sh configure.ac Makefile.am sources.mk m4/smmap.m4 \
        include/smmap/version.h; do
        test ! "$source/$file" -nt "$stamp" || old=1
    done
    test "$old" -eq 1 || test ! -x "$source/configure" || test ! -f "$source/Makefile.in" ||
        return 0
    "$source/autogen.sh" && touch "$stamp"
}

# libraries: what configure would find; when it changes, configure runs again.
libraries()
{
    local name
    for name in apr-1 cunit zlib; do
        echo "$name $(pkg-config --modversion "$name" 2>/dev/null)"
    done
}

# cache_name ARGUMENT...: builds with the same compiler share what configure found out about it.
cache_name()
{
    {
        libraries
        echo "${CC:-} ${configure_prefix:-}"
        printf '%s\n' "$@" | grep -E '^(CC|CXX|--host)='
    } | cksum | sed 's/ .*//'
}

# configure_build ARGUMENT...: in $build. Skipped when it was done with the same arguments
# and the same libraries.
configure_build()
{
    local stamp=$build/configured what cache shell=
    what="$* $(libraries)"
    if [ -f "$build/Makefile" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$what" ]; then
        return 0
    fi
    say "configuring"
    rm -rf "$build"
    mkdir -p "$build"
    cache=$work/configure-$(cache_name "$@").cache
    test ! -f "$cache" || cp "$cache" "$build/config.cache"
    # Much faster than bash, which configure prefers. The lane distcheck leaves it to configure.
    test ! -x /bin/dash || shell=/bin/dash
    # A list of words.
    # shellcheck disable=SC2086
    (cd "$build" && ${configure_prefix:-} ${shell:+env CONFIG_SHELL=$shell $shell} \
        "$source/configure" --cache-file=config.cache "$@") || return 1
    # Flags differ from build to build; what was found with them does not.
    grep -v '^ac_cv_env_' "$build/config.cache" >"$build/config.shared" &&
        mv "$build/config.shared" "$cache"
    echo "$what" >"$stamp"
}

# make_targets TARGET...: in $build.
make_targets()
{
    local count
    say "compiling"
    count=$(cd "$build" && make -n V=0 "$@" 2>/dev/null | grep -c 'echo "  CC  ')
    (cd "$build" && make -j "$jobs" "$@") | follow_make "$count"
    return "${PIPESTATUS[0]}"
}

# follow_make COUNT: pass on what make prints, and say how far it has come.
follow_make()
{
    local line count=0
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case "$line" in
        '  CC  '*)
            count=$((count + 1))
            show_progress "$count" "$1" "compiling ${line##* }"
            ;;
        esac
    done
}

# build_all ARGUMENT...: configure and make, the programs of the tests included.
build_all()
{
    configure_build "$@" && make_targets check-programs
}

# shared_build NAME TARGETS ARGUMENT...: a build for several lanes, in a directory of that
# name; one lane after the other makes what it needs. Sets programs, the directory.
shared_build()
{
    programs=$work/$1
    with_lock "$1" shared_make "$@"
}

# A list of words in $targets.
# shellcheck disable=SC2086
shared_make()
{
    local targets=$2 build=$work/$1
    shift 2
    configure_build "$@" && make_targets $targets
}

# native_build [TARGET...]: what the lane native builds, for lanes that run the same programs in
# another way, or look at them. The prefix is one into which nothing is installed without a
# DESTDIR, or by the lane cmake.
# shellcheck disable=SC2046 # a list of words
native_build()
{
    shared_build native "${*:-check-programs}" $(configure_places) \
        --prefix="$work/prefix" --libdir="$work/prefix/lib"
}

# run_tests [VARIABLE=VALUE...]: make check, and count what each test says about itself.
run_tests()
{
    with_lock "${build#"$work"/}-tests" run_tests_alone "$@"
}

run_tests_alone()
{
    local answer=0 tests variable test count=0 line
    tests=$(cd "$build" && make -s list-tests) || return 1
    for variable in "$@"; do
        case "$variable" in
        TESTS=*) tests=${variable#TESTS=} ;;
        esac
    done
    find "$build/tests" \( -name '*.trs' -o -name '*.log' \) -exec rm -f {} +
    # A list of words.
    # shellcheck disable=SC2086
    set -- "$(echo $tests | wc -w | tr -d ' ')" "$@"
    say "testing: $1 programs and scripts, two at a time"
    : >"$build/tested"
    # Two at a time: some tests are about limits of memory.
    (cd "$build" && shift && make -j 2 -k check "$@" </dev/null 2>&1) | while IFS= read -r line; do
        printf '%s\n' "$line"
        case "$line" in
        PASS:\ * | FAIL:\ * | SKIP:\ * | ERROR:\ *)
            test=${line#*: }
            echo "$test" >>"$build/tested"
            count_test "$test" "${line%%:*}"
            count=$((count + 1))
            test "$progress" != terminal || show_progress "$count" "$1" "tests done"
            ;;
        esac
    done
    answer=${PIPESTATUS[0]}
    for test in $tests; do
        grep -qxF "$test" "$build/tested" || count_test "$test" ""
    done
    return "$answer"
}

# count_test TEST OUTCOME: a test that has no summary, ran nothing, or failed without a failed
# check (a crash at the end, a leak) counts as one failure.
count_test()
{
    local test=$1 outcome=$2 name log summary passed failed note reason
    name=${test%.sh}
    name=${name%.exe}
    log=$build/$name.log
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
        grep -aE '^ *FAIL(ED)?:? ' "$log" | head -n 20 | while read -r reason; do
            say "    $reason"
            echo "    $reason" >>"$work/failures"
        done
        echo "--- the end of $log:"
        tail -n 60 "$log"
    fi
}

# list_tests PATTERN: of the tests in $build those that grep -E finds, on one line.
list_tests()
{
    (cd "$build" && make -s list-tests) | grep -E "$1" | tr '\n' ' '
}

# build_and_test ARGUMENT...: what most lanes are. A list of words in $places.
# shellcheck disable=SC2046
build_and_test()
{
    build_all $(configure_places) "$@" && run_tests
}
