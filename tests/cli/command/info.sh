# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2015,SC2016,SC2034,SC2154,SC2317
# `smmap info`. Sourced by command.sh.

# field NAME: of the first file; total NAME: of the sum.
field()
{
    grep '"path":' "$out" | head -n 1 | sed -n "s/.*\"$1\":\(\[[^]]*\]\|[^,}]*\).*/\1/p"
}

total()
{
    sed -n "s/^\"total\":.*\"$1\":\([^,}]*\).*/\1/p" "$out"
}

# from NAME: where a limit comes from.
from()
{
    sed -n "s/^\"$1\":{\"value\":[a-z0-9]*,\"from\":\"\([^\"]*\)\".*/\1/p" "$out"
}

value()
{
    sed -n "s/^\"$1\":{\"value\":\([a-z0-9]*\),.*/\1/p" "$out"
}

# Is what was printed JSON? Where there is no Python, nobody says.
is_json()
{
    command -v python3 >/dev/null 2>&1 || return 0
    python3 -m json.tool <"$out" >/dev/null
}

test_info()
{
    local windows=1
    test "${SMMAP_PARANOID:-0}" = 0 || windows=10 # of one granule
    run info t/noise t/empty
    is_code 0 || return 1
    grep -q "^ *[0-9.]* [KM]iB .* $windows  t/noise\$" "$out" &&
        grep -q '^ *0 B  *0 B  *-  *0 B  *0  t/empty$' "$out" &&
        grep -q "^ *[0-9.]* [KM]iB .* $windows  total of 2 files\$" "$out" &&
        grep -q '^max_mapped_bytes  *256 MiB  default$' "$out" || { cat "$out"; return 1; }
}
check "info" test_info

test_info_json()
{
    run info --json --window-size 1 t/noise t/hello
    is_code 0 && is_json || return 1
    test "$(field size)" -eq $((granule * 9 + 5)) && grep -q '"mode":"sliding"' "$out" &&
        test "$(value window_size)" -eq "$granule" && test "$(field windows)" -eq 10 &&
        test "$(total size)" -eq $((granule * 9 + 16)) && test "$(total windows)" -eq 11 &&
        test "$(total files)" -eq 2 &&
        { test "$(field resident)" = null || test "$(field resident)" -le "$(field size)"; } ||
        { cat "$out"; return 1; }
    run info --json --mode static t/noise
    is_code 0 && is_json || return 1
    grep -q '"mode":"static"' "$out" && test "$(value window_size)" = null &&
        test "$(from window_size)" = --mode && test "$(field windows)" -eq 1 ||
        { cat "$out"; return 1; }
}
check "info --json" test_info_json

test_info_empty()
{
    run info --json t/empty
    is_code 0 && is_json && test "$(field size)" -eq 0 && test "$(field windows)" -eq 0 &&
        test "$(field resident)" -eq 0 && test "$(field map)" = '[]' || { cat "$out"; return 1; }
}
check "info of an empty file" test_info_empty

test_info_nothing()
{
    run info --json t/missing
    is_code 2 && is_json && says missing && test "$(total files)" -eq 0
}
check "info --json of no file that can be read is JSON still" test_info_nothing

test_info_resident()
{
    # What was just read is in memory, all of it; a hole that nobody touched is not.
    cat t/noise >/dev/null
    run info --json t/noise
    test "$(field resident)" = "$(field size)" &&
        test "$(field map)" = '[100,100,100,100,100,100,100,100,100,100]' ||
        { cat "$out"; return 1; }
    dd if=/dev/null of=t/hole bs=1 seek=$((granule * 64)) 2>/dev/null
    run info --json t/hole
    test "$(field resident)" = 0 || { cat "$out"; return 1; }
    put t/hole $((granule * 32)) x
    run info --json t/hole t/noise
    test "$(field resident)" -gt 0 &&
        test "$(total resident)" -eq $(($(field resident) + granule * 9 + 5)) &&
        test "$(field map | tr -d '[]' | cut -d , -f 33)" = 100 &&
        test "$(field map | tr -d '[]' | cut -d , -f 32)" = 0 || { cat "$out"; return 1; }
}
run info --json t/noise
if [ "$(field resident)" = null ]; then
    skip "what is resident" "the system cannot say"
elif [ "$(uname -s)" != Linux ]; then
    skip "what exactly is resident" "the page cache of this system has its own rules"
else
    check "info tells what is resident" test_info_resident
fi

# A copy in our memory is no answer to what of the file is in memory. (Some files of /proc that qemu
# makes itself can be mapped.)
test_info_copy()
{
    run info --json /proc/version t/hello
    is_code 0 && is_json && { test "$(field size)" = 0 || test "$(field resident)" = null; } &&
        { test "$(field size)" = 0 || test "$(total resident)" = null; } ||
        { cat "$out"; return 1; }
}
if [ -r /proc/version ]; then
    check "info does not tell what is resident of a file that cannot be mapped" test_info_copy
else
    skip "info of a file that cannot be mapped" "there is no /proc"
fi

test_info_holes()
{
    run info --json t/hole t/noise
    is_code 0 && test "$(field holes)" -eq "$1" && test "$(total holes)" -eq "$1" ||
        { cat "$out"; return 1; }
}
rm -f t/hole
put t/hole 1048576 x
if [ "$(uname -s)" = Linux ] && [ "$(du -k t/hole | cut -f 1)" -lt 512 ]; then
    # A file system may store a little around the byte.
    run info --json t/hole
    holes=$(field holes)
    test "$holes" -le 1048576 && test "$holes" -ge 983040 || holes=1048576
    check "info tells the holes" test_info_holes "$holes"
else
    skip "info tells the holes" "the system or its file system has none"
fi

test_info_limits()
{
    run info --json --max-memory 64M --max-regions unlimited t/hello
    is_code 0 && is_json && test "$(value max_mapped_bytes)" -eq 67108864 &&
        test "$(from max_mapped_bytes)" = --max-memory && test "$(value max_regions)" = null &&
        test "$(from max_regions)" = --max-regions || { cat "$out"; return 1; }
    run info --json --window-size 64K --max-open-files 7 --hard-limits t/hello
    is_code 0 && test "$(from window_size)" = --window-size &&
        test "$(value max_open_files)" -eq 7 &&
        test "$(from max_open_files)" = --max-open-files && test "$(from max_regions)" = default &&
        grep -q '"hard":true' "$out" || { cat "$out"; return 1; }
    SMMAP_PARANOID=1 run info --json t/hello
    is_code 0 && test "$(value window_size)" -eq "$granule" &&
        test "$(from window_size)" = SMMAP_PARANOID || { cat "$out"; return 1; }
    (
        ulimit -n 100 || exit 0
        run info --json t/hello
        is_code 0 && test "$(value max_open_files)" -eq 25 &&
            test "$(from max_open_files)" = RLIMIT_NOFILE || { cat "$out"; exit 1; }
        # A sanitizer needs more.
        ulimit -v 2097152 && "$SMMAP" --version >"$out" 2>&1 || exit 0
        run info --json t/hello
        is_code 0 && test "$(value address_space)" -eq 2147483648 || { cat "$out"; exit 1; }
    ) || return 1
    run info --stats --max-memory 64M t/hello
    is_code 0 && says '^  max_mapped_bytes  *64.0 MiB  (--max-memory)$'
}
check "info and --stats say where the limits come from" test_info_limits

test_info_path()
{
    name=$(printf 't/a"b\\c\td\303\251\377e')
    : >"$name" || return 1
    run info --json "$name"
    is_code 0 && is_json &&
        grep -q '{"path":"t/a\\"b\\\\c\\u0009d'"$(printf '\303\251')"'\\udcffe",' "$out" ||
        { cat "$out"; return 1; }
}
if : 2>/dev/null >"$(printf 't/\377')"; then
    check "info --json of a path that is not UTF-8" test_info_path
else
    skip "a path that is not UTF-8" "the file system does not take one"
fi

test_info_recursive()
{
    mkdir -p t/tree/b/none t/tree/a || return 1
    for file in b/2 b/1 a/3 c; do
        printf '%s' "$file" >"t/tree/$file"
    done
    ln -s ../tree t/tree/a/loop
    ln -s ../c t/tree/a/link
    mkfifo t/tree/a/fifo 2>/dev/null
    run info -r t/tree t/hello
    is_code 0 && sed -n 's/^.*  \(t\/\)/\1/p' "$out" >"$work/paths"
    printf '%s\n' t/tree/a/3 t/tree/b/1 t/tree/b/2 t/tree/c t/hello | diff - "$work/paths" ||
        return 1
    run info --recursive --json t/tree/b/none
    is_code 0 && is_json && test "$(total files)" -eq 0 || return 1
    run info -r t/missing t/tree/c
    is_code 2 && says 't/missing: No such file' && grep -q 't/tree/c$' "$out"
}
check "info -r" test_info_recursive

# terminal COMMAND: what it prints on a terminal of 60 columns.
terminal()
{
    TERM=vt100 SMMAP=$SMMAP script -qec "stty cols 60; $1" /dev/null </dev/null 2>&1 | tr -d '\r'
}

test_info_map()
{
    cat t/noise >/dev/null
    terminal 'exec "$SMMAP" info t/noise t/hole' >"$out"
    grep -q '^  \[.\[32m##########.\[0m\]$' "$out" &&
        awk '/\[-*#?\]|\[.*-.*\]/ { gsub(/\033\[[0-9]*m/, ""); if (length > 60) exit 1; n++ }
            END { exit n < 1 }' "$out" && grep -q 'from the start of the file' "$out" ||
        { cat "$out"; return 1; }
    NO_COLOR=1 terminal 'exec "$SMMAP" info t/noise' >"$out"
    grep -q '^  \[##########\]$' "$out" && ! grep -q "$(printf '\033')" "$out" ||
        { cat "$out"; return 1; }
    NO_COLOR='' run info t/noise
    ! grep -q -e '\[#' -e "$(printf '\033')" "$out"
}
run info --json t/noise
if [ "$(field resident)" = null ] || [ "$(uname -s)" != Linux ]; then
    skip "the map of what is in memory" "the system does not tell what is"
elif ! script --version 2>/dev/null | grep -q util-linux; then
    skip "the map of what is in memory" "there is no script command of util-linux"
else
    check "a map of what is in memory, on terminals alone, and without colours if that is said" \
        test_info_map
fi
