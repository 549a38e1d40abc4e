# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2016,SC2034,SC2154,SC2317
# Files that change, or cannot be read in the middle, while a command reads them; and files
# that reading would change. Sourced by command.sh.

zeroes=$(printf '00%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)

# The command is held up by the pipe that it prints to, within one window, until the file was
# cut in the middle of a page: behind that there are zeroes, which the file never held.
# test_held COMMAND...
test_held()
{
    rm -f t/pipe
    mkfifo t/pipe || return 1
    { head -c 1048576 /dev/zero; letters 1 7340032 x; } >t/held
    exec 9<>t/pipe
    "$SMMAP" "$@" t/held t/hello >&9 2>"$err" &
    held=$!
    head -c 1 <&9 >"$out" # it has begun
    sleep 0.2
    truncate -s 4194404 t/held # a whole number of pages, and 100 bytes
    cat <&9 >>"$out" &
    drain=$!
    wait $held
    code=$?
    sleep 0.2
    kill $drain
    exec 9>&-
    rm -f t/held t/pipe
    is_code 2 && says 't/held: the file was cut short'
}
test_held_find()
{
    test_held find "$@" -h --hex "$zeroes" || return 1
    sort -n "$out" | tail -n 1 | grep -q '^1048560$' || { tail -n 3 "$out"; return 1; }
}
test_held_cat()
{
    test_held cat || return 1
    tail -c 11 "$out" | grep -q 'hello world' || { echo "t/hello is missing"; return 1; }
    tail -c +1048577 "$out" | tr -d 'x' >"$work/rest"
    test "$(cat "$work/rest")" = 'hello world' || { echo "zeroes were written"; return 1; }
}
if [ "$(uname -s)" = Linux ]; then
    check "find prints no match in what a file never held" test_held_find
    check "find --threads prints none either" test_held_find --threads 2
    check "find in windows prints none either" test_held_find --window-size 16M
    check "cat writes no byte that a file never held" test_held_cat
else
    skip "files that are cut while they are read" "how pipes are opened differs"
fi

# test_stopped CODE OUTPUT COMMAND...: the same without output, so it is cut once it is mapped;
# how far the command is by then differs, but it must not be wrong.
test_stopped()
{
    may_code=$1
    want=$2
    shift 2
    for round in 1 2 3 4 5; do
        letters 1 1048576 x >t/block
        for block in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat t/block; done >t/stopped
        "$SMMAP" "$@" --hex "$zeroes" t/stopped >"$out" 2>"$err" &
        stopped=$!
        while [ -e /proc/$stopped/maps ] && ! grep -q t/stopped /proc/$stopped/maps; do :; done \
            2>/dev/null
        kill -STOP $stopped
        truncate -s 8388708 t/stopped
        kill -CONT $stopped
        wait $stopped
        code=$?
        rm -f t/stopped t/block
        { [ "$code" -eq "$may_code" ] || is_code 2; } && test "$(cat "$out")" = "$want" ||
            { echo "code $code:"; head -n 3 "$out"; return 1; }
    done
}
# The benchmark reads by pointers that nothing guards.
test_bench_cut()
{
    head -c 33554432 /dev/urandom >t/measured
    "$SMMAP" bench --quick t/measured >"$out" 2>"$err" &
    bench=$!
    while [ -e /proc/$bench/maps ] && ! grep -q t/measured /proc/$bench/maps; do :; done 2>/dev/null
    truncate -s 100 t/measured
    wait $bench
    code=$?
    rm -f t/measured
    is_code 2 && says 'the file was cut short'
}
if [ -r /proc/self/maps ]; then
    check "bench says that its file was cut" test_bench_cut
    check "find -q believes no zeroes of a file that is cut" test_stopped 1 '' find -q
    check "find -c counts no zeroes of a file that is cut" \
        test_stopped 1 't/stopped:0' find -c
    check "find -c in windows, of a file that is cut" \
        test_stopped 1 't/stopped:0' find -c --window-size 16M
    check "find -l names no file for zeroes where it was cut" test_stopped 1 '' find -l
else
    skip "find -q, -c and -l of files that are cut" "there is no /proc to see when one is mapped"
fi

# --- what cannot be read, and what reading must not change ---------------------------------

# in_mounts COMMAND: in a name space of mounts that goes with it; with $SMMAP, $err and t/.
in_mounts()
{
    export SMMAP err
    unshare --mount --propagation private sh -c "$1"
    code=$?
}

test_full_tmpfs()
{
    mkdir -p t/mount
    in_mounts 'mount -t tmpfs -o size=1M none t/mount && truncate -s 4M t/mount/hole || exit 9
        dd if=/dev/zero of=t/mount/filler bs=64K 2>/dev/null
        "$SMMAP" cat t/mount/hole t/hello 2>"$err" | tail -c +4194305
        "$SMMAP" find -c hello t/mount/hole t/hello 2>>"$err"' >"$out"
    is_code 0 && test ! -s "$err" && test "$(cat "$out")" = 'hello worldt/mount/hole:0
t/hello:1' || { cat "$out" "$err"; return 1; }
}
test_bad_disk()
{
    mkdir -p t/mount
    truncate -s 64M t/image && mkfs.ext4 -q -F t/image || return 9
    in_mounts 'L=$(losetup -f --show t/image) && trap "umount t/mount; losetup -d $L" EXIT &&
        mount $L t/mount || exit 9
        head -c 40M /dev/urandom >t/mount/bad; sync; umount t/mount
        mount -o ro $L t/mount && truncate -s 20M t/image || exit 9
        for to in t/written /dev/null; do
            "$SMMAP" cat t/mount/bad t/hello >$to 2>"$err.cat" || echo cat $?
        done
        cat t/mount/bad 2>"$err.file" >t/expected
        cat t/hello >>t/expected
        cmp t/written t/expected && test -s "$err.file" || echo "the bytes differ"
        "$SMMAP" find -c "no such text" t/mount/bad t/hello 2>"$err.find"
        echo find $?' >"$out"
    grep -q 't/mount/bad: I[a-z]*/[oO][a-z]* error' "$err.cat" &&
        grep -q 't/mount/bad: I[a-z]*/[oO][a-z]* error' "$err.find" || { cat "$err".*; return 1; }
    rm -f t/image t/written t/expected
    test "$(cat "$out")" = 'cat 2
cat 2
t/mount/bad:0
t/hello:0
find 2' || { cat "$out"; return 1; }
}
mkdir -p t/mount
if ! unshare --mount --propagation private mount -t tmpfs none t/mount 2>/dev/null; then
    skip "a file system that is full, a disk that fails" "nothing can be mounted here"
else
    check "a hole of a full tmpfs is read, and others are done" test_full_tmpfs
    if unshare --mount --propagation private sh -c 'truncate -s 4M t/image && mkfs.ext4 -q -F t/image &&
        mount -o loop,ro t/image t/mount' >/dev/null 2>&1; then
        check "a disk that fails: the file is blamed, and others are done" test_bad_disk
    else
        skip "a disk that fails" "no loop device can be had"
    fi
    rm -f t/image
fi

test_sparse_tmpfs()
{
    sparse=$(mktemp /dev/shm/smmap-test.XXXXXX) || return 1
    truncate -s 64M "$sparse"
    put "$sparse" 30000000 needle
    taken=$(du -k "$sparse" | cut -f 1)
    for window in 1M 1G; do
        gives 0 30000000 find -h --window-size $window needle "$sparse" &&
            run cat --window-size $window "$sparse" && cmp "$out" "$sparse" &&
            run info --window-size $window "$sparse" && is_code 0 || break
    done
    now=$(du -k "$sparse" | cut -f 1)
    rm -f "$sparse"
    is_code 0 && test "$now" -eq "$taken" || { echo "$now KiB, not $taken"; return 1; }
}
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] && [ -w /dev/shm ]; then
    check "reading the holes of a tmpfs takes no memory" test_sparse_tmpfs
else
    skip "holes of a tmpfs" "there is none at /dev/shm"
fi

# others_info FILE: info --json, as a user who owns nothing.
others_info()
{
    setpriv --reuid=65534 --clear-groups "$SMMAP" info --json "$1" >"$out" 2>"$err"
    code=$?
    is_code 0
}
test_others_resident()
{
    truncate -s 1M t/others
    others_info t/others && test "$(field resident)" = null || { cat "$out"; return 1; }
    setpriv --reuid=65534 --clear-groups "$SMMAP" info t/others | grep -q '  unknown  .* t/others$' ||
        return 1
    chmod 666 t/others
    others_info t/others && test "$(field resident)" = 0 || { cat "$out"; return 1; }
    chmod 644 t/others
    chown 65534 t/others
    others_info t/others && test "$(field resident)" = 0 || { cat "$out"; return 1; }
}
if [ "$(uname -s)" != Linux ] || [ "$(id -u)" -ne 0 ] ||
    ! setpriv --reuid=65534 --clear-groups "$SMMAP" --version >/dev/null 2>&1; then
    skip "what is resident of others' files" "only root on Linux can be another user"
else
    check "info says that the system does not tell what is resident of others' files" \
        test_others_resident
fi
