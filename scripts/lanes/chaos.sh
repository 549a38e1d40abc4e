# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="files are wrecked, disks fail, reads hang, overlayfs; then a soak (SMMAP_SOAK_SECONDS)"
lane_things="compiler make autotools pkg-config apr cunit tsan fuse3 ext4"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "loop devices, FUSE, tmpfs and /proc are those of Linux"
        return 1
    fi
}

# The FUSE server; nothing where libfuse is not.
# shellcheck disable=SC2046 # lists of words
build_server()
{
    pkg-config --exists fuse3 || return 0
    "${CC:-cc}" -O1 -g -Wall -Wextra -Wshadow -Werror -I"$source" $(pkg-config --cflags fuse3) \
        "$source/tests/media/fuse.c" -o "$build/media-fuse" $(pkg-config --libs fuse3) || return 1
    echo "$build/media-fuse"
}

# Mounts and loop devices that media.sh has made, in a name space of its own, are gone.
nothing_left()
{
    ! grep smmap-media /proc/mounts && ! losetup -a | grep smmap-media
}

# A command with its temporary files on an overlayfs, as in a container.
on_overlayfs()
{
    mkdir -p "$build/overlay" || return 1
    # shellcheck disable=SC2016 # sh is to expand these
    unshare --mount --propagation private sh -c 'cd "$0" && mkdir -p lower upper work all &&
        mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work all &&
        TMPDIR=$0/all exec "$@"' "$build/overlay" "$@"
}

# soak NOTE SECONDS [COMMAND...]: lap after lap; after each all must be as before it.
soak()
{
    local note=$1 seconds=$2
    shift 2
    say "a soak$note, $seconds s each"
    run_counted "tests/chaos/chaos$note" "$@" "$programs/tests/chaos/chaos" --seconds "$seconds"
    run_counted "tests/stress/stress-posix$note" "$@" "$programs/tests/stress/stress-posix" \
        --threads 8 --seconds "$seconds"
}

# A list of words in $command.
# shellcheck disable=SC2086
lane_run()
{
    local seconds server command reason suite
    . "$top/scripts/lib/stress.sh"
    . "$top/scripts/lib/sanitizers.sh"
    # mkfs and losetup are where only root looks by itself.
    PATH=$PATH:/usr/sbin:/sbin
    seconds=$(seconds_of SMMAP_SOAK_SECONDS 10) || return 1

    native_build tests/chaos/chaos tests/media/media tests/suite-posix tests/suite-wrap || return 1
    server=$(build_server) || return 1
    say "files are wrecked while they are read, $seconds s"
    run_counted tests/chaos/chaos "$programs/tests/chaos/chaos" --seconds "$seconds"
    say "disks fail, reads hang"
    run_counted tests/media/media sh "$source/tests/media/media.sh" \
        "$programs/tests/media/media" "$server"
    step "no mount and no loop device is left" nothing_left

    if reason=$(on_overlayfs true 2>&1); then
        say "tests with their files on an overlayfs"
        for suite in suite-posix suite-wrap; do
            run_counted "tests/$suite" on_overlayfs "$programs/tests/$suite"
        done
    else
        say "skipped: tests with their files on an overlayfs because of ${reason##*$'\n'}"
    fi

    asan_build tests/chaos/chaos tests/stress/stress-posix || return 1
    soak -asan "$seconds"

    if reason=$(tsan_possible); then
        tsan_build tests/chaos/chaos tests/stress/stress-posix || return 1
        soak -tsan "$seconds" $command
    else
        say "skipped: the soak under ThreadSanitizer because $reason"
    fi
}
