# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="the Python binding: its tests, with the library in it and linked; smmap's and gitdb's own"
lane_things="compiler make autotools pkg-config apr cunit zlib git python pytest"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "the tests look into /proc"
        return 1
    fi
}

# In a virtual environment on top of the system's packages, as PyPI may be out of reach. The
# build leaves files in its tree, and other lanes copy that of all.
make_environment()
{
    rm -rf "$build/env" "$build/tree"
    mkdir -p "$build/tree"
    (cd "$source" && tar -cf - sources.mk include core backends bindings) |
        (cd "$build/tree" && tar -xpf -) &&
        "$python" -m venv --system-site-packages "$build/env"
}

# install [VARIABLE=VALUE...]: all warnings, but for Python's own headers.
install()
{
    local headers
    headers=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
    env CFLAGS="-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror -isystem $headers" \
        "$@" "$build/env/bin/pip" install --no-build-isolation --no-deps --force-reinstall \
        --disable-pip-version-check "$build/tree/bindings/python"
}

# tests NAME PYTHON PATH: run pytest, and count. NAME.outcomes gets a line for each test.
tests()
{
    local log=$build/$1.log passed failed skipped
    (cd "$build" && PYTHONPATH=$build/shim "$2" -m pytest -p no:cacheprovider -rA "$3") \
        >"$log" 2>&1 </dev/null
    sed -n 's/^\(PASSED\|FAILED\|ERROR\|SKIPPED\) \([^ ]*\).*/\1 \2/p' "$log" >"$build/$1.outcomes"
    passed=$(grep -c '^PASSED' "$build/$1.outcomes")
    failed=$(grep -cE '^(FAILED|ERROR)' "$build/$1.outcomes")
    skipped=$(grep -c '^SKIPPED' "$build/$1.outcomes")
    tail -n 1 "$log" | grep -q ' passed' || failed=$((failed + 1))
    test "$failed" -eq 0 || cat "$log"
    echo "$passed $failed $skipped"
}

count_tests()
{
    local sums
    sums=$(tests "$@" | tee -a /dev/fd/2 | tail -n 1)
    # shellcheck disable=SC2086 # three numbers
    set -- "$1" $sums
    result "$2" "$3" "$1" "$(test "$4" -eq 0 || echo ", $4 skipped")"
}

# smmap's own tests, which belong into the package.
smmap_tests()
{
    local theirs ours
    theirs=$(cd / && "$python" -c 'import os, smmap; print(os.path.dirname(smmap.__file__))') &&
        test -d "$theirs/test" || return 1
    ours=$(echo "$build"/env/lib/python*/site-packages/smmap)
    cp -R "$theirs/test" "$ours/test"
    count_tests smmap "$build/env/bin/python" "$ours/test"
    rm -rf "$ours/test"
}

# Debian leaves out the files that some tests of gitdb need. Those that pass with smmap must pass.
gitdb_tests()
{
    local suite
    suite=$(cd / && "$python" -c 'import os, gitdb; print(os.path.dirname(gitdb.__file__))')/test &&
        test -d "$suite" || return 1
    mkdir -p "$build/shim"
    echo "from unittest import SkipTest" >"$build/shim/nose.py"
    tests gitdb-on-smmap "$python" "$suite" >/dev/null
    tests gitdb "$build/env/bin/python" "$suite" >/dev/null
    grep '^PASSED' "$build/gitdb-on-smmap.outcomes" | sort >"$build/wanted"
    grep '^PASSED' "$build/gitdb.outcomes" | sort >"$build/there"
    echo "passed with smmap alone:"
    comm -23 "$build/wanted" "$build/there"
    result "$(comm -12 "$build/wanted" "$build/there" | grep -c .)" \
        "$(comm -23 "$build/wanted" "$build/there" | grep -c .)" gitdb
}

# The library, installed where no other lane looks, with a file for pkg-config that says so.
install_library()
{
    local place=$build/root$work/prefix
    native_build all && rm -rf "$build/root" &&
        (cd "$programs" && make -s install DESTDIR="$build/root") &&
        sed -i "s,^prefix=.*,prefix=$place,; s,$work/prefix/lib,$place/lib," \
            "$place/lib/pkgconfig/smmap.pc"
}

lane_run()
{
    local python place=$build/root$work/prefix
    python=$(system_python)
    say "building"
    step "pip install" eval 'make_environment && install SMMAP_SYSTEM=0' || return 1
    count_tests tests "$build/env/bin/python" "$build/tree/bindings/python/tests"
    smmap_tests || say "    skipped: smmap's own tests because they are not installed"
    gitdb_tests || say "    skipped: gitdb's own tests because they are not installed"
    step "pip install with the library that pkg-config finds" eval \
        'install_library && install SMMAP_SYSTEM=1 PKG_CONFIG_PATH=$place/lib/pkgconfig' || return 1
    export LD_LIBRARY_PATH=$place/lib
    step "it is linked" eval \
        'ldd "$build"/env/lib/python*/site-packages/smmap/_smmap.*.so | grep "$place/lib/libsmmap"'
    count_tests tests-linked "$build/env/bin/python" "$build/tree/bindings/python/tests"
}
