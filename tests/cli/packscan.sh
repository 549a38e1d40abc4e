#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# packscan on real packs, against what `git verify-pack -v` says about them, and on damaged
# ones. The repository is made here, from the project's own headers and from numbers, and is
# the same on each run: some thousands of objects, chains of deltas, annotated tags, an
# empty blob, blobs around the sizes where things change, and blobs of more than 1 MiB.
#
# PACKSCAN names the binary (./examples/packscan). Exit status: 0 all passed, 1 some failed,
# 77 skipped. A line for each failure; the last line counts.

LC_ALL=C
export LC_ALL
packscan=${PACKSCAN:-./examples/packscan}
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
passed=0
failed=0

if ! command -v git >/dev/null 2>&1; then
    echo "skipped: tests/cli/packscan.sh because git is not installed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
fi
if [ ! -x "$packscan" ]; then
    echo "skipped: tests/cli/packscan.sh because there is no $packscan (it needs zlib to be built)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 77
fi
case $packscan in
/*) ;;
*) packscan=$PWD/$packscan ;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/packscan.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
cd "$work" || exit 2

# Nobody's configuration, and no repository around this one, has a say.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
HOME=$work
GIT_CONFIG_NOSYSTEM=1
GIT_CONFIG_GLOBAL=/dev/null
GIT_CEILING_DIRECTORIES=$work
GIT_DEFAULT_HASH=sha1
export HOME GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL GIT_CEILING_DIRECTORIES GIT_DEFAULT_HASH

pass() {
    passed=$((passed + 1))
}

fail() {
    failed=$((failed + 1))
    echo "FAIL: $*"
}

# few VALUE...: all of them, or with SMMAP_TEST_LIGHT every third.
few() {
    few_count=0
    for few_value in "$@"; do
        if [ -z "${SMMAP_TEST_LIGHT:-}" ] || [ $((few_count % 3)) -eq 0 ]; then
            echo "$few_value"
        fi
        few_count=$((few_count + 1))
    done
}

# must STATUS WHAT COMMAND...: the command ends with that status; its output is in out, err.
must() {
    wanted=$1
    what=$2
    shift 2
    "$@" >out 2>err </dev/null
    got=$?
    if [ "$got" -eq "$wanted" ]; then
        pass
        return 0
    fi
    fail "$what: exit status $got, not $wanted"
    head -3 err
    return 1
}

# says WHAT FILE TEXT: the file has the text in it.
says() {
    if grep -F -e "$3" "$2" >/dev/null; then
        pass
    else
        fail "$1: '$3' is not in what it says:"
        head -3 "$2"
    fi
}

# ---- The repository ---------------------------------------------------------------------

# A history for `git fast-import`. Arguments: a file of lines to make blobs of.
history() {
    awk '
        function next_number(limit) { # the generator of C90
            state = (state * 1103515245 + 12345) % 2147483648
            return int(state / 65536) % limit
        }
        function print_blob(file,  i, last) {
            printf "M 100644 inline dir%d/sub%d/file%d\ndata <<END-OF-BLOB\n", file % 7, \
                file % 23, file
            last = start[file] + length_of[file]
            for (i = start[file]; i < last; i++)
                print line[i % lines]
            for (i = 0; i < edits[file]; i++)
                print "edit " i " of file " file ": " edit[file, i]
            print "END-OF-BLOB"
        }
        { line[lines++] = $0 }
        END {
            state = 1
            files = 250
            for (file = 0; file < files; file++) {
                start[file] = next_number(lines)
                length_of[file] = 1 + next_number(120)
            }
            for (commit = 0; commit < 60; commit++) {
                printf "commit refs/heads/main\nmark :%d\n", commit + 1
                printf "committer C <c@example.com> %d +0000\n", 1000000000 + commit * 3600
                printf "data <<END\ncommit %d\nEND\n", commit
                if (commit == 0)
                    for (file = 0; file < files; file++)
                        print_blob(file)
                for (i = 0; i < 12; i++) {
                    file = next_number(files)
                    edit[file, edits[file]++] = next_number(32768)
                    print_blob(file)
                }
                print ""
                if (commit % 10 == 9) {
                    printf "tag v%d\nfrom :%d\ntagger T <t@example.com> %d +0000\n", commit, \
                        commit + 1, 1000000000 + commit * 3600
                    printf "data <<END\nversion %d\nEND\n", commit
                }
            }
        }' "$1"
}

# A text of numbers, of at least so many bytes.
numbers() {
    awk -v bytes="$1" 'BEGIN {
        for (state = 7; written < bytes; written += 11) {
            state = (state * 1103515245 + 12345) % 2147483648
            printf "%010d\n", state
        }
    }'
}

make_repository() {
    git init -q --bare repo.git || return 1
    cat "$source_dir"/include/smmap/*.h "$source_dir"/tests/cli/packscan.sh >lines
    history lines | git --git-dir=repo.git fast-import --quiet || return 1
    numbers 1500000 >large
    { head -c 700000 large; echo "a change in the middle"; tail -c 700000 large; } >large2
    head -c 3000000 /dev/zero >zeros
    : >empty
    : >tree
    for size in 1 2 15 16 17 127 128 2047 2048 4095 4096 4097 65535 65536 65537; do
        head -c "$size" large >"odd$size"
    done
    for file in large large2 zeros empty odd*; do
        blob=$(git --git-dir=repo.git hash-object -w "$file") || return 1
        printf '100644 blob %s\t%s\n' "$blob" "$file" >>tree
    done
    tree=$(git --git-dir=repo.git mktree <tree) || return 1
    GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_AUTHOR_DATE='1200000000 +0000' \
        GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com \
        GIT_COMMITTER_DATE='1200000000 +0000' \
        git --git-dir=repo.git commit-tree -m 'odd sizes' "$tree" >commit || return 1
    git --git-dir=repo.git update-ref refs/heads/odd "$(cat commit)" || return 1
    git --git-dir=repo.git repack -adfq --depth=50 --window=50 || return 1
    cp repo.git/objects/pack/pack-*.pack ofs.pack
    cp repo.git/objects/pack/pack-*.idx ofs.idx
    chmod u+w ofs.pack ofs.idx
    # Bases by name instead of by offset: what plumbing makes when it is not told otherwise.
    name=$(git --git-dir=repo.git rev-list --objects --all | cut -d' ' -f1 |
        git --git-dir=repo.git pack-objects -q ref) || return 1
    mv "ref-$name.pack" ref.pack
    mv "ref-$name.idx" ref.idx
    name=$(git --git-dir=repo.git pack-objects -q none </dev/null) || return 1
    mv "none-$name.pack" none.pack
    mv "none-$name.idx" none.idx
    cp ofs.pack v1.pack
    git index-pack --index-version=1 -o v1.idx v1.pack >/dev/null || return 1
    cp ofs.pack large-offsets.pack
    git index-pack --index-version=2,0x100 -o large-offsets.idx large-offsets.pack >/dev/null ||
        return 1
    chmod u+w ./*.pack ./*.idx
}

if ! make_repository; then
    fail "git cannot make the repository to test with"
    echo "$passed passed, $failed failed"
    exit 1
fi

# ---- Good packs -------------------------------------------------------------------------

# check_list NAME OPTION...: the list is the one of git, to the byte, and the limit holds.
check_list() {
    name=$1
    shift
    must 0 "$name.pack $*" "$packscan" --verify-list "$@" "$name.pack" || return
    if cmp -s out "$name.expected"; then
        pass
    else
        fail "$name.pack $*: the list differs from that of git verify-pack -v"
        diff out "$name.expected" | head -3
    fi
    count=$(grep -c -E '^[0-9a-f]{40} ' "$name.expected")
    says "$name.pack $*" err "verified      $count objects"
    says "$name.pack $*" err "bytes (8.0 MiB): held"
}

for name in ofs ref none v1 large-offsets; do
    if ! git verify-pack -v "$name.pack" >"$name.expected"; then
        fail "git verify-pack does not like $name.pack"
        continue
    fi
    check_list "$name"
done

# The packs are what they were made to be.
objects=$(grep -c -E '^[0-9a-f]{40} ' ofs.expected)
if [ "$objects" -gt 2000 ]; then pass; else fail "only $objects objects"; fi
deepest=$(sed -n 's/^chain length = \([0-9]*\):.*/\1/p' ofs.expected | tail -1)
if [ "${deepest:-0}" -ge 20 ]; then pass; else fail "chains are only $deepest deep"; fi
for type in commit tree blob tag; do
    if grep " $type " ofs.expected >/dev/null; then pass; else fail "no $type"; fi
done
if cmp -s ofs.pack ref.pack; then fail "ref.pack has no ref deltas"; else pass; fi
if [ "$(wc -c <large-offsets.idx)" -gt "$(wc -c <ofs.idx)" ]; then
    pass
else
    fail "large-offsets.idx has no 64-bit offsets"
fi

# Windows from small to larger than the pack, in all orders.
for window in $(few 4K 64K 100000 1M 8M); do
    for order in pack index random; do
        check_list ofs --window-size "$window" --order "$order"
    done
done
for seed in $(few 2 3 18446744073709551615); do
    check_list ref --window-size 64K --order random --seed "$seed"
done
# One window for both files; a cache that holds next to nothing.
must 0 "one window" "$packscan" --window-size 64K --max-memory 64K --base-cache 1K ofs.pack
says "one window" out "limit         65536 bytes: held"
must 0 "by the name of the index" "$packscan" ofs.idx

# ---- Wrong usage ------------------------------------------------------------------------

must 2 "no arguments" "$packscan"
must 2 "two packs" "$packscan" ofs.pack ref.pack
must 2 "unknown option" "$packscan" --nonsense ofs.pack
must 2 "a file that is neither" "$packscan" lines
must 2 "missing files" "$packscan" missing.pack
says "missing files" err "missing.idx: "
cp ofs.pack alone.pack
must 2 "a pack without an index" "$packscan" alone.pack
says "a pack without an index" err "alone.idx: "
mkdir directory.pack
cp ofs.idx directory.idx
must 2 "a directory" "$packscan" directory.pack
for size in '' 0 -1 x 1X 1KB 99999999999999999999 99999999999T ' 1'; do
    must 2 "--max-memory '$size'" "$packscan" --max-memory "$size" ofs.pack
done
must 2 "--seed x" "$packscan" --seed x ofs.pack
must 2 "--order x" "$packscan" --order x ofs.pack
must 2 "a window that is larger than the limit" \
    "$packscan" --window-size 16M --max-memory 8M ofs.pack
must 0 "--help" "$packscan" --help
says "--help" out "Exit status: 0"
must 0 "--version" "$packscan" --version
must 1 "--max-object" "$packscan" --max-object 1K ofs.pack
says "--max-object" err "--max-object allows fewer"
if [ -w /dev/full ]; then
    "$packscan" ofs.pack >/dev/full 2>err
    if [ $? -eq 2 ]; then pass; else fail "a full disk is not noticed"; fi
fi

# ---- Damaged packs ----------------------------------------------------------------------

# byte FILE OFFSET: the byte there, in decimal.
byte() {
    od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' \n'
}

# put FILE OFFSET BYTE...: write bytes, given in decimal.
put() {
    put_file=$1
    put_at=$2
    shift 2
    for put_byte in "$@"; do
        # shellcheck disable=SC2059 # an escape is made
        printf "\\$(printf '%03o' "$put_byte")"
    done | dd of="$put_file" bs=1 seek="$put_at" conv=notrunc 2>/dev/null
}

fresh() {
    cp "$1.pack" bad.pack
    cp "$1.idx" bad.idx
}

# damaged WHAT [TEXT]: bad.pack is found to be damaged, and that is what is said.
damaged() {
    must 1 "$1" "$packscan" --window-size 64K bad.pack || return
    says "$1" err "${2:-packscan: bad.}"
}

# flip FILE OFFSET [TEXT]: one bit of the byte there is turned round.
flip() {
    fresh ofs
    bit=$((1 << ($2 % 8)))
    old=$(byte "$1" "$2")
    put "$1" "$2" $((old ^ bit))
    damaged "bit $bit of byte $2 of $1 is turned round" "$3"
}

pack_size=$(wc -c <ofs.pack | tr -d ' ')
index_size=$(wc -c <ofs.idx | tr -d ' ')
names=1032
crcs=$((names + 20 * objects))
offsets=$((crcs + 4 * objects))

flip bad.pack 0 "not a pack"
flip bad.pack 7 "the pack format is not supported"
flip bad.pack 11 "objects, its index has"
for place in $(few 12 13 14 15 16 17 18 19 20); do
    flip bad.pack "$place" "its checksum does not match"
done
for part in $(few 1 2 3 4 5 6 7 8 9); do
    flip bad.pack $((pack_size * part / 10)) "its CRC-32 is not the one in the index"
done
flip bad.pack $((pack_size - 1)) "its checksum is not the one that the index was made for"
flip bad.idx 0 "bad.idx: "
flip bad.idx 7 "of the index format is not supported"
flip bad.idx 8 "fanout"
flip bad.idx 520 "bad.idx: "
flip bad.idx 1030 "its size does not fit"
flip bad.idx $names "bad.idx: its checksum does not match"
flip bad.idx $((names + 20 * 100 + 19)) "its name in the index is"
flip bad.idx $((crcs + 77)) "its CRC-32 is not the one in the index"
flip bad.idx $offsets "bad.idx: "
flip bad.idx $((offsets + 203)) "bad."
flip bad.idx $((index_size - 40)) "its checksum is not the one that the index was made for"
flip bad.idx $((index_size - 1)) "bad.idx: its checksum does not match"

for size in $(few 0 1 11 12 31 32 1000 $((pack_size / 2)) $((pack_size - 20)) \
    $((pack_size - 1))); do
    fresh ofs
    head -c "$size" ofs.pack >bad.pack
    damaged "the pack is cut to $size bytes" "bad.pack: "
done
for size in $(few 0 1 7 8 1031 1072 5000 $((index_size - 20)) $((index_size - 1))); do
    fresh ofs
    head -c "$size" ofs.idx >bad.idx
    damaged "the index is cut to $size bytes" "bad.idx: "
done
fresh ofs
echo >>bad.pack
damaged "a byte more in the pack" "bad.pack: its checksum"
cp ref.idx bad.idx
cp ofs.pack bad.pack
damaged "the index of another pack" "its checksum is not the one that the index was made for"
cp ofs.pack bad.pack
cp none.idx bad.idx
damaged "the index of the pack without objects" "its index has 0"
cp ofs.pack bad.pack
cp ofs.pack bad.idx
damaged "a pack for an index" "bad.idx: "

# Two objects change places in the index: both are sound, but not what they are called.
fresh ofs
one=$((offsets + 4 * 10))
two=$((offsets + 4 * 11))
old=$(od -An -tu1 -j $one -N 8 ofs.idx)
# shellcheck disable=SC2086 # a list of bytes
set -- $old
put bad.idx $one "$5" "$6" "$7" "$8"
put bad.idx $two "$1" "$2" "$3" "$4"
damaged "two offsets change places" "its name in the index is"
says "two offsets change places" out "2 names do not match"

# Bases by name can be made to go round in a circle, or to be missing. A delta of depth 2
# and its base of depth 1, from the list: name type size size-in-pack offset depth base.
# The header of the base has one byte for sizes below 16, two below 2048, three beyond.
child=$(awk '$6 == 2 { print $1, $7; exit }' ref.expected)
child_name=${child% *}
base=$(awk -v name="${child#* }" '$1 == name { print $3, $5; exit }' ref.expected)
base_size=${base% *}
base_at=$((${base#* } + 1 + (base_size > 15) + (base_size > 2047)))
fresh ref
at=$base_at
for pair in $(echo "$child_name" | sed 's/../& /g'); do
    put bad.pack "$at" "$((0x$pair))"
    at=$((at + 1))
done
damaged "deltas in a circle" "its chain of delta bases is a circle"
fresh ref
put bad.pack "$base_at" 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
damaged "a base that is not there" "its delta base is not in the pack"

. "$source_dir/tests/cli/packscan/cut.sh"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
