# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
lane_about="libFuzzer: the model, the command line, packscan; a fixed number of inputs each"
lane_things="clang libfuzzer make autotools pkg-config apr zlib"

lane_possible()
{
    if [ "$(uname -s)" != Linux ]; then
        echo "the clang of this system may come without libFuzzer"
        return 1
    fi
}

# files_of VARIABLE: the C files of a list in sources.mk.
files_of()
{
    awk -v name="$1" '$1 == name && $2 == "=" { on = 1; next }
        on { print $1; if ($NF != "\\") on = 0 }' "$source/sources.mk" | grep '\.c$'
}

# objects DIRECTORY OPTIONS FILE...: compile for fuzzing, two at a time. The options are a list
# of words.
# shellcheck disable=SC2086
objects()
{
    local into=$build/$1 options=$2
    shift 2
    mkdir -p "$into"
    printf '%s\n' "$@" | (cd "$into" && xargs -P 2 -I FILE \
        clang $sanitizers $options -c "$source/FILE")
}

# fuzz TARGET RUNS LENGTH OPTION...: the kept corpus, then new inputs, from a fixed seed.
fuzz()
{
    local target=$1 runs=$2 length=$3 corpus=$build/corpus-$1 kept=$source/fuzz/corpus/$1
    shift 3
    rm -rf "$corpus"
    mkdir -p "$corpus"
    step "$target: the kept corpus, $(find "$kept" -type f | wc -l) inputs" \
        "$build/$target" -rss_limit_mb=1024 -timeout=30 "$@" -runs=0 "$kept" || return 1
    say "$target: $runs new inputs"
    step "$target: $runs new inputs" \
        "$build/$target" -seed=1 -runs="$runs" -max_len="$length" -rss_limit_mb=1024 \
        -timeout=30 -artifact_prefix="$build/" -print_final_stats=1 "$@" "$corpus" "$kept"
}

# shellcheck disable=SC2046,SC2086 # lists of words
lane_run()
{
    local apr libs sanitizers warnings
    apr=$(apr-1-config --includes --cppflags | tr '\n' ' ')
    libs=$(apr-1-config --link-ld --libs | tr '\n' ' ')
    warnings="-Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Werror"
    sanitizers="-std=gnu11 -g -O1 -fsanitize=fuzzer-no-link,address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer $warnings
        -DSMMAP_STATIC -I$source/include -I$source -I$build $apr"
    export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1"
    export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"

    configure_build $(configure_places) CC=clang CXX=clang++ || return 1
    say "building"
    rm -rf "$build"/objects-*
    objects objects-core "" $(files_of SMMAP_CORE_FILES) || return 1
    objects objects-model "" $(files_of SMMAP_MODEL_FILES) fuzz/model_fuzz.c || return 1
    objects objects-posix "" $(files_of SMMAP_BACKEND_POSIX_FILES) || return 1
    objects objects-memory "" $(files_of SMMAP_MEMORY_FILES) || return 1
    objects objects-size "" fuzz/size_fuzz.c \
        $(files_of SMMAP_CLI_FILES | grep -vF /console.c) $(files_of SMMAP_CLI_POSIX_FILES) \
        $(files_of SMMAP_TOOL_FILES | grep -vF -e /main.c -e /complete.c) || return 1
    objects objects-packscan "-Dmain=packscan_main -Datexit=packscan_atexit
        -Wno-missing-prototypes" examples/packscan.c || return 1
    objects objects-packscan "" fuzz/packscan_fuzz.c \
        $(files_of SMMAP_PACKSCAN_FILES | grep -vF /packscan.c) || return 1
    clang -fsanitize=fuzzer,address,undefined -o "$build/model" "$build"/objects-core/*.o \
        "$build"/objects-model/*.o $libs -lpthread || return 1
    clang -fsanitize=fuzzer,address,undefined -o "$build/size" "$build"/objects-core/*.o \
        "$build"/objects-posix/*.o "$build"/objects-memory/*.o "$build"/objects-size/*.o \
        $libs -lpthread || return 1
    clang -fsanitize=fuzzer,address,undefined -o "$build/packscan" "$build"/objects-core/*.o \
        "$build"/objects-posix/*.o "$build"/objects-memory/*.o "$build"/objects-packscan/*.o \
        $libs -lz -lpthread || return 1

    fuzz model "${SMMAP_FUZZ_RUNS:-3000}" 1208
    # The seed is fixed. The first 60000 inputs of size reach 258 edges, 150000 reach 259; the
    # first 8000 of packscan 931, 15000 reach 935.
    fuzz size "${SMMAP_FUZZ_RUNS:-60000}" 200 -close_fd_mask=1
    fuzz packscan "${SMMAP_FUZZ_RUNS:-8000}" 4096 -close_fd_mask=3 -malloc_limit_mb=64
}
