/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine whose page tables are slow, as under some hypervisors: loaded before a program, it adds
 * SLOW_MAP_US microseconds (100) of work to each map of a file and to each unmap. For Linux:
 *
 *   cc -O2 -shared -fPIC -o slow_map.so bench/slow_map.c
 *   SLOW_MAP_US=300 LD_PRELOAD=$PWD/slow_map.so smmap bench --workload copy-uniform
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void work(void)
{
    const char *value = getenv("SLOW_MAP_US");
    long long end = now() + (value != NULL ? atoll(value) : 100) * 1000;

    while (now() < end) {
    }
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    if (file >= 0) {
        work();
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int file, off64_t offset)
{
    return mmap(address, length, protection, flags, file, offset);
}

int munmap(void *address, size_t length)
{
    work();
    return (int)syscall(SYS_munmap, address, length);
}
