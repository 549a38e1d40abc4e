# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the manual pages and HTML of the headers, without a warning; links between documents"
lane_things="python3 groff mandoc doxygen"

pages=

manual_made()
{
    rm -rf "$build/man"
    python3 "$source/scripts/manpages" "$build/man"
}

# Every name that the library exports has a page, and links lead to one.
manual_complete()
{
    local name answer=0
    for name in $(grep -v '^#' "$source/tests/package/exports.txt"); do
        test -f "$build/man/man3/$name.3" || { echo "no page: $name"; answer=1; }
    done
    for name in $(sed -n 's/^\.so //p' "$build"/man/man3/*.3); do
        test -f "$build/man/$name" || { echo "dead: .so $name"; answer=1; }
    done
    return $answer
}

# silent COMMAND...: it succeeds, and has nothing to say.
silent()
{
    local answer=0
    "$@" >"$build/said" 2>&1 || answer=1
    cat "$build/said"
    test $answer -eq 0 && test ! -s "$build/said"
}

html_made()
{
    rm -rf "$build/html"
    (cd "$source" && {
        cat docs/reference/Doxyfile
        echo "OUTPUT_DIRECTORY = $build"
    } | doxygen -) && test -f "$build/html/manager_8h.html"
}

# dead_links: those of documents to files that are not there, and the pages that headers name.
dead_links()
{
    local file target
    (cd "$source" && find . -name '*.md') | while read -r file; do
        grep -oE '\]\([^)]+\)' "$source/$file" | sed 's/^](//; s/)$//; s/[ #].*//' |
            grep -vE '^(https?:|mailto:|$)' | while read -r target; do
            test -e "$source/$(dirname "$file")/$target" || echo "$file: $target"
        done
    done
    grep -oE 'docs/[a-z/-]+\.md' "$source"/include/smmap/*.h* "$source/docs/reference/smmap.7.in" |
        while IFS=: read -r file target; do
            test -e "$source/$target" || echo "${file#"$source"/}: $target"
        done
}

lane_run()
{
    step "the manual pages are made" manual_made || return 1
    step "each function has one" manual_complete
    # A link is one line, of which mandoc would say that a link of the file system is better.
    pages="$(grep -L '^\.so ' "$build"/man/man?/*) $source/tools/smmap.1"
    # Lists of words.
    # shellcheck disable=SC2086
    {
        step "groff has nothing to say" silent groff -ww -man -Tutf8 -z $pages
        step "mandoc has nothing to say" silent mandoc -Tlint -W warning $pages
    }
    step "HTML is made without a warning" html_made
    step "no link between documents is dead" silent dead_links
}
