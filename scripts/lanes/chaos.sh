# shellcheck shell=bash
lane_about="files are wrecked, disks fail, reads hang; then a soak (SMMAP_SOAK_SECONDS)"
lane_things="compiler make autotools pkg-config apr cunit tsan fuse3 ext4"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "loop devices, FUSE, tmpfs and /proc are those of Linux"
        return 1
    fi
}

# chaos_build NAME PROGRAMS ARGUMENT...: some programs, in a directory of their own.
# shellcheck disable=SC2046,SC2086 # lists of words
chaos_build()
{
    local programs=$2
    build=$lane_build/$1
    shift 2
    configure_build $(configure_places) --disable-shared "$@" || return 1
    say "building"
    (cd "$build" && make -j "$jobs" $programs)
}

# The FUSE server; nothing where libfuse is not.
# shellcheck disable=SC2046 # lists of words
build_server()
{
    pkg-config --exists fuse3 || return 0
    "${CC:-cc}" -O1 -g -Wall -Wextra -Wshadow -Werror -I"$source" $(pkg-config --cflags fuse3) \
        "$source/tests/media/fuse.c" -o "$build/tests/media/media-fuse" \
        $(pkg-config --libs fuse3) || return 1
    echo "$build/tests/media/media-fuse"
}

# Mounts and loop devices that media.sh has made, in a name space of its own, are gone.
nothing_left()
{
    ! grep smmap-media /proc/mounts && ! losetup -a | grep smmap-media
}

# soak NOTE SECONDS [COMMAND...]: lap after lap; after each all must be as before it.
soak()
{
    local note=$1 seconds=$2
    shift 2
    say "a soak$note, $seconds s each"
    run_counted "tests/chaos/chaos$note" "$@" "$build/tests/chaos/chaos" --seconds "$seconds"
    run_counted "tests/stress/stress-posix$note" "$@" "$build/tests/stress/stress-posix" \
        --threads 8 --seconds "$seconds"
}

lane_run()
{
    local lane_build=$build seconds flags server command=env
    . "$top/scripts/lib/stress.sh"
    # mkfs and losetup are where only root looks by itself.
    PATH=$PATH:/usr/sbin:/sbin
    seconds=$(seconds_of SMMAP_SOAK_SECONDS 12) || return 1
    mkdir -p "$lane_build"

    chaos_build plain "tests/chaos/chaos tests/media/media" CFLAGS="-O2 -g" || return 1
    server=$(build_server) || return 1
    say "files are wrecked while they are read, $seconds s"
    run_counted tests/chaos/chaos "$build/tests/chaos/chaos" --seconds "$seconds"
    say "disks fail, reads hang"
    run_counted tests/media/media sh "$source/tests/media/media.sh" \
        "$build/tests/media/media" "$server"
    step "no mount and no loop device is left" nothing_left

    export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1"
    export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
    flags="-fsanitize=address,undefined -fno-sanitize-recover=all"
    chaos_build asan "tests/chaos/chaos tests/stress/stress-posix" \
        CFLAGS="-O1 -g -fno-omit-frame-pointer $flags" LDFLAGS="$flags" || return 1
    soak -asan "$seconds"

    case $(uname -m) in
    x86_64 | aarch64) ;;
    *)
        say "skipped: the soak under ThreadSanitizer because it is for 64-bit systems"
        return 0
        ;;
    esac
    # See the lane tsan.
    if setarch -R true 2>/dev/null; then
        command="setarch -R"
    fi
    export TSAN_OPTIONS="halt_on_error=0:second_deadlock_stack=1:history_size=4:exitcode=66"
    flags="-fsanitize=thread"
    chaos_build tsan "tests/chaos/chaos tests/stress/stress-posix" \
        CFLAGS="-O1 -g $flags" LDFLAGS="$flags" || return 1
    # A list of words.
    # shellcheck disable=SC2086
    soak -tsan "$seconds" $command
}
