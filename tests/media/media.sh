#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Mounts what the media program reads, runs it, and unmounts it whatever happens: a file system
# on an image that is cut short, one that is served by media-fuse, a tmpfs that is full, and an
# overlayfs; and makes a control group with little memory.
#
# All is mounted in a name space of mounts of its own. So nobody else sees it, and the system
# unmounts what is left when the last process in it ends, also when this one is killed.
#
# usage: media.sh PROGRAM SERVER    SERVER may be empty: then its checks are skipped
#
# The last line is `N passed, N failed, N skipped`. Exit code: 0 nothing failed, 1 something did.

set -u
program=$1
server=$2

passed=0
failed=0
skipped=0

# skip KIND REASON: all checks of a kind.
skip()
{
    for name in $("$program" list "$1"); do
        echo "skipped: $name because $2"
        skipped=$((skipped + 1))
    done
}

finish()
{
    echo "$passed passed, $failed failed, $skipped skipped"
    test "$failed" -eq 0
    exit
}

if [ "$(id -u)" -ne 0 ]; then
    for kind in disk user full stacked group; do
        skip $kind "only root may mount"
    done
    finish
fi
if [ "${SMMAP_MEDIA_INSIDE:-}" != yes ]; then
    if unshare --mount --propagation private true 2>/dev/null; then
        SMMAP_MEDIA_INSIDE=yes exec unshare --mount --propagation private sh "$0" "$@"
    fi
    for kind in disk user full stacked group; do
        skip $kind "unshare --mount is not allowed here, as in a container without privileges"
    done
    finish
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/smmap-media.XXXXXX") || exit 1
mount=$work/mount
image=$work/image
log=$work/log
server_id=
program_id=
group=
mkdir "$mount"

clean()
{
    trap - EXIT INT TERM HUP
    if [ -n "$program_id" ]; then
        kill -KILL "$program_id" 2>/dev/null
        wait "$program_id" 2>/dev/null
    fi
    umount "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null
    test -z "$server_id" || kill -KILL "$server_id" 2>/dev/null
    losetup -j "$image" 2>/dev/null | cut -d: -f1 | while read -r device; do
        losetup -d "$device"
    done
    leave_group
    rm -rf "$work"
}

leave_group()
{
    test -z "$group" || rmdir "$group"
    group=
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# run ARGUMENT...: the program, and add up its last line.
run()
{
    answer=0
    # In the background, so that a signal to this shell is heard at once. The program ends by
    # itself when this shell does.
    # shellcheck disable=SC2016 # they are those of that shell
    sh -c 'test -z "$0" || echo $$ >"$0/cgroup.procs" || exit; exec "$@"' "$group" \
        "$program" "$@" >"$log" 2>&1 &
    program_id=$!
    wait "$program_id" || answer=$?
    program_id=
    cat "$log"
    summary=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$')
    if [ -z "$summary" ]; then
        echo "$1: ended with exit code $answer"
        failed=$((failed + 1))
        return
    fi
    here=${summary#*, }
    passed=$((passed + ${summary%% *}))
    failed=$((failed + ${here%% *}))
}

# A file system on a file. It is written, and then mounted read-only.
disk()
{
    for tool in mkfs.ext4 losetup; do
        if ! command -v $tool >/dev/null 2>&1; then
            skip disk "there is no $tool"
            return
        fi
    done
    dd if=/dev/zero of="$image" bs=1M count=40 status=none &&
        mkfs.ext4 -q -b 4096 -O ^has_journal -E lazy_itable_init=0 "$image" || return
    if ! mount -o loop,noatime "$image" "$mount" 2>"$log"; then
        skip disk "no loop device can be had: $(tail -n 1 "$log")"
        return
    fi
    "$program" disk-make "$mount" && umount "$mount" &&
        mount -o loop,ro,noatime "$image" "$mount" || {
        echo "the file system on an image cannot be prepared"
        failed=$((failed + 1))
        return
    }
    run disk "$mount" "$image"
    umount "$mount"
}

user()
{
    if [ -z "$server" ]; then
        skip user "libfuse 3 is not here, so there is no server"
        return
    fi
    if [ ! -w /dev/fuse ]; then
        skip user "there is no /dev/fuse"
        return
    fi
    # In the foreground, so that it is ours to end; it ends by itself when this shell does.
    "$server" -f "$mount" >"$log.server" 2>&1 &
    server_id=$!
    # It is there when its files are, and it is not coming when it has ended.
    while [ ! -e "$mount/good" ]; do
        if ! kill -0 "$server_id" 2>/dev/null; then
            skip user "FUSE cannot be mounted here: $(tail -n 1 "$log.server")"
            server_id=
            return
        fi
        sleep 0.1
    done
    run user "$mount"
    umount "$mount" && wait "$server_id"
    server_id=
}

full()
{
    if ! mount -t tmpfs -o size=1m,mode=700 smmap-media "$mount" 2>"$log"; then
        skip full "no tmpfs can be mounted: $(tail -n 1 "$log")"
        return
    fi
    run full "$mount"
    umount "$mount"
}

# Of two kinds: with metacopy a change of the mode copies no bytes.
stacked()
{
    mount -t tmpfs -o size=8m,mode=700 smmap-media "$mount" 2>"$log" || {
        skip stacked "no tmpfs can be mounted: $(tail -n 1 "$log")"
        return
    }
    mkdir "$mount/lower" "$mount/all" && "$program" stacked-make "$mount/lower" || return
    for options in "" ,metacopy=on; do
        mkdir "$mount/upper" "$mount/work"
        if mount -t overlay -o \
            "lowerdir=$mount/lower,upperdir=$mount/upper,workdir=$mount/work$options" \
            smmap-media "$mount/all" 2>"$log"; then
            run stacked "$mount/all"
            umount "$mount/all"
        else
            skip stacked "no overlayfs${options:+ with $options} can be mounted: $(tail -n 1 "$log")"
        fi
        rm -rf "$mount/upper" "$mount/work"
    done
    umount "$mount"
}

# Below the group that we are in, in the tree of version 1 or in that of version 2.
group()
{
    where=$(sed -n 's,^[0-9]*:\([^:]*\,\)*memory\(\,[^:]*\)*:,,p' /proc/self/cgroup)
    limit=memory.limit_in_bytes
    tree=/sys/fs/cgroup/memory
    if [ -z "$where" ]; then
        where=$(sed -n 's,^0::,,p' /proc/self/cgroup)
        limit=memory.max
        tree=/sys/fs/cgroup
    fi
    group=$tree$where/smmap-media.$$
    if ! mkdir "$group" 2>"$log"; then
        skip group "no control group can be made: $(tail -n 1 "$log")"
        group=
    elif ! echo 16777216 2>"$log" >"$group/$limit"; then
        skip group "no limit of memory can be set below $tree$where"
    else
        run group "$work" "$group/$limit"
    fi
    leave_group
}

disk
full
stacked
user
group
finish
