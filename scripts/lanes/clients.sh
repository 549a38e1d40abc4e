# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
. "$top/scripts/lib/sources.sh"
. "$top/scripts/lib/libgit2.sh"

lane_about="libgit2's own tests, with its windows on libsmmap"
lane_things=$libgit2_things

lane_possible()
{
    libgit2_possible
}

# A list of words in $ours and in the libraries; paths of object files have no blanks.
# shellcheck disable=SC2046,SC2086
link_tests()
{
    gcc -o "$build/tests" $(find "$stock/build/tests/libgit2" -name '*.o') $ours \
        "$stock/build/libgit2.a" $libgit2_libraries $(apr-1-config --link-ld --libs)
}

# compare: what passes with libgit2 as it is has to pass with ours, too.
compare()
{
    local lost name
    libgit2_results "$stock/results.log" >"$build/stock"
    libgit2_results "$build/ours.log" >"$build/results"
    grep '^ok ' "$build/stock" | grep -vxFf "$build/results" >"$build/lost"
    lost=$(grep -c . "$build/lost")
    say "libgit2 as it is: $(grep -c '^ok ' "$build/stock") passed," \
        "$(grep -c '^failed ' "$build/stock") failed, $(grep -c '^skipped ' "$build/stock") skipped"
    result "$(grep -c '^ok ' "$build/results")" "$lost" "libgit2 with its windows on libsmmap"
    while read -r name; do
        say "    it does not pass: ${name#ok }"
    done <"$build/lost"
    test "$lost" -eq 0 || grep -vE '^(ok|#|1\.\.)' "$build/ours.log" | tail -n 60
}

lane_run()
{
    local stock ours
    libgit2_stock && native_build libsmmap.la &&
        step "compile" libgit2_ours "$source" "$programs" "$build/ours" &&
        step "link" link_tests || return 1
    say "testing"
    step "run all tests" libgit2_suite "$build/tests" "$build/ours.log"
    compare
}
