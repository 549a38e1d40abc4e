/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fuzzer for the example packscan: damaged packs and indexes. Whatever they hold, it
 * ends with one of its exit codes, in bounded time and memory.
 *
 * The input: a byte of choices, two bytes with the length of the index, the index, and
 * what is left is the pack. Nearly every change would be found by a checksum, and the
 * code behind would never run; so by one of the choices the checksums are made right.
 *
 * packscan.c is compiled with its main() under another name, and without its atexit():
 * here it runs more than once.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "examples/sha1.h"

enum { SEALED = 1, LISTED = 2, IN_PACK_ORDER = 4, LARGE_WINDOWS = 8 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int packscan_main(int argc, const char *const *argv);
int packscan_atexit(void (*function)(void));

static char directory[3000];
static char index_path[3010];
static char pack_path[3010];

int packscan_atexit(void (*function)(void))
{
    (void)function;
    return 0;
}

static void clean_up(void)
{
    unlink(index_path);
    unlink(pack_path);
    rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *base = getenv("TMPDIR");

    (void)argc;
    (void)argv;
    snprintf(directory, sizeof directory, "%s/smmap-fuzz-XXXXXX",
             base != NULL && *base != '\0' ? base : "/tmp");
    if (mkdtemp(directory) == NULL) {
        perror("cannot make a directory");
        exit(2);
    }
    snprintf(index_path, sizeof index_path, "%s/a.idx", directory);
    snprintf(pack_path, sizeof pack_path, "%s/a.pack", directory);
    atexit(clean_up);
    return 0;
}

/* The last bytes of a file are the checksum of what is before them. */
static void seal(unsigned char *bytes, size_t size)
{
    sha1_t sha1;

    if (size >= SHA1_SIZE) {
        sha1_init(&sha1);
        sha1_update(&sha1, bytes, size - SHA1_SIZE);
        sha1_final(&sha1, bytes + size - SHA1_SIZE);
    }
}

static void write_file(const char *path, const unsigned char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *arguments[14] = {"packscan", "--max-memory", "64K",  "--base-cache",
                                 "64K",      "--max-object", "256K", "--window-size"};
    int count = 8;
    unsigned char *index;
    unsigned char *pack;
    size_t index_size;
    size_t pack_size;
    int code;

    if (size < 3) {
        return 0;
    }
    index_size = (size_t)data[1] | (size_t)data[2] << 8;
    index_size = index_size < size - 3 ? index_size : size - 3;
    pack_size = size - 3 - index_size;
    index = malloc(index_size + 1);
    pack = malloc(pack_size + 1);
    if (index == NULL || pack == NULL) {
        abort();
    }
    memcpy(index, data + 3, index_size);
    memcpy(pack, data + 3 + index_size, pack_size);
    if (data[0] & SEALED) {
        seal(pack, pack_size);
        if (index_size >= 2 * SHA1_SIZE && pack_size >= SHA1_SIZE) {
            memcpy(index + index_size - 2 * SHA1_SIZE, pack + pack_size - SHA1_SIZE, SHA1_SIZE);
        }
        seal(index, index_size);
    }
    write_file(index_path, index, index_size);
    write_file(pack_path, pack, pack_size);
    free(index);
    free(pack);

    arguments[count++] = data[0] & LARGE_WINDOWS ? "64K" : "4K";
    arguments[count++] = "--order";
    arguments[count++] = data[0] & IN_PACK_ORDER ? "pack" : "index";
    if (data[0] & LISTED) {
        arguments[count++] = "--verify-list";
    }
    arguments[count++] = pack_path;
    arguments[count] = NULL;
    code = packscan_main(count, arguments);
    if (code < 0 || code > 2) {
        abort();
    }
    return 0;
}
