/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests want from the operating system beyond C and APR: plain handles, facts
 * that APR does not tell, child processes. platform_posix*.c or platform_windows*.c are
 * linked; no other file of the suites includes a header of the system. (The stress programs
 * and the model do; they are for POSIX systems alone.)
 *
 * What a system does not have ends the running test as skipped, with the reason; see
 * test_skip_now() in harness.h. The functions that may do so say it.
 */
#ifndef SMMAP_TESTS_PLATFORM_H
#define SMMAP_TESTS_PLATFORM_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_portable.h>

#include <stdio.h>

/* Handles. */

#define NO_HANDLE ((apr_os_file_t)-1)

typedef enum native_use_t {
    NATIVE_READ,      /**< for reading alone */
    NATIVE_WRITE,     /**< for writing alone; the file is there */
    NATIVE_MAKE,      /**< for writing; it is made, or becomes empty */
    NATIVE_DIRECTORY, /**< a directory, for reading */
    NATIVE_APPEND     /**< for writing at its end; it is made where there is none */
} native_use_t;

/** Open; not inherited, and shared with all. NO_HANDLE is left on failure. */
apr_status_t native_open(apr_os_file_t *handle, const char *path, native_use_t use);
/** A handle on the device that swallows everything. */
apr_status_t native_open_null(apr_os_file_t *handle);
/** Its path; NULL where the system itself does not tell that it is a device. */
const char *native_null_path(void);
/** A pipe: ends[0] is for reading. */
apr_status_t native_pipe(apr_os_file_t ends[2]);
apr_status_t native_dup(apr_os_file_t *copy, apr_os_file_t handle);
apr_status_t native_close(apr_os_file_t handle);
int native_is_open(apr_os_file_t handle);
int native_is_writable(apr_os_file_t handle);
int native_is_inherited(apr_os_file_t handle);
/** From now on programs that are started get it. */
void native_let_inherit(apr_os_file_t handle);
/** 1: certainly a device or pipe; 0 where APR tells. */
int native_is_stream(apr_os_file_t handle);
/** A small number that no other open handle has. */
apr_size_t native_number(apr_os_file_t handle);
/** Where the next plain read or write is going to be. */
apr_off_t native_place(apr_os_file_t handle);
void native_set_place(apr_os_file_t handle, apr_off_t place);
/** A plain read or write at that place; the bytes, or -1. */
apr_off_t native_read(apr_os_file_t handle, void *to, apr_size_t size);
apr_off_t native_write(apr_os_file_t handle, const void *from, apr_size_t size);
/** All that there is of a range of a file; *got is how much. */
apr_status_t native_read_at(apr_os_file_t handle, apr_off_t offset, void *to, apr_size_t size,
                            apr_size_t *got);
/** What is open: its size, its id, whether it is a plain file. */
apr_status_t native_facts(apr_os_file_t handle, apr_off_t *size, apr_uint64_t *id, int *regular);

/** A handle for reading, while no other process may open the file. S */
apr_status_t native_open_alone(apr_os_file_t *handle, const char *path);
/** A handle for reading by which calls come back before they have read, as Windows has them. The
    port that is told of each such read is watched until native_told(). shared: others may open
    the file, too. S */
apr_status_t native_open_overlapped(apr_os_file_t *handle, const char *path, int shared);
/** How often it was told. */
int native_told(void);
/** Reads by this handle, and its duplicates, must be aligned from now on (O_DIRECT). 0: there is no
    such thing here. */
int native_set_direct(apr_os_file_t handle);

/** Handles that are open now, and those that programs which are started would get. */
int native_count_handles(void);
int native_count_inherited(void);
/** Mappings of files whose path contains this; 0 where the system does not tell. */
int native_count_mappings(const char *part);
/** What smmap__os_info() should say of open files. */
apr_size_t native_max_open_files(void);

/** Why the time of birth cannot be believed here, or NULL. */
const char *native_doubts_birth(void);
/** Can two files that had one id, and were made at one moment, be told apart where this one is? */
int native_tells_generations(const char *path);
/** Is this how the system says that a name is too long? */
int native_says_too_long(apr_status_t status);

/* Files. Those marked S end the test as skipped where the system refuses or cannot. */

/** Set a size, also a very large one without using the disk. 0: the file system cannot. S */
int native_resize(const char *path, apr_off_t size);
/** Cut it short also while it is mapped: where this system refuses that, by the one below it
    (Wine's). Then pages of mappings are lost. S */
int native_cut(const char *path, apr_off_t size);
/** Touching these whole pages of a mapping of a file is from now on what it is when the system
    cannot bring them into memory. It holds where handlers came before ours when it is called;
    call it again after others have. */
void native_lose(const volatile unsigned char *pages, apr_size_t size);
/** Can the library guard pointers here, and not copies alone? */
int native_guards_pointers(void);
/** A regular file that the system does not map; NULL: none is known here. */
const char *native_unmappable(void);
/** Put one in the place of another. S */
apr_status_t native_rename(const char *from, const char *to);
/** S */
apr_status_t native_delete(const char *path);
/** A symbolic link. S */
apr_status_t native_symlink(const char *target, const char *path);
/** A FIFO, or a socket, with a name. S */
apr_status_t native_fifo(const char *path);
apr_status_t native_socket(apr_os_file_t *handle, const char *path);
/** Hold a lease on it, until the handle is closed: a process that opens it has to wait. S */
void native_lease(apr_os_file_t *handle, const char *path);
/** Only root may read it. S */
void native_forbid(const char *path);
/** Give it back the times of access and change that `like` had. */
typedef struct native_times_t {
    apr_int64_t seconds[2];
    apr_int64_t nanoseconds[2];
    apr_int64_t changed; /**< when anything about it changed, in its own unit */
} native_times_t;
void native_times(const char *path, native_times_t *times);
/** 1: a file's ctime, as APR has it, is when anything about it changed, and not its birth. */
int native_knows_changes(void);
/** 1: it is on a file system (overlayfs) where each change of a file drops its windows. */
int native_is_stacked(const char *path);
void native_set_times(const char *path, const native_times_t *times);
/** Bytes of disk that it takes. */
apr_off_t native_disk_bytes(const char *path);

/** The number-th other way to write the path of a file, in memory of the test; NULL: there are
    no more. Windows has verbatim, short and network paths, elsewhere slashes can be doubled. */
const char *native_spelling(const char *path, int number);
/** Does such a path lead through a network? Then the file may be another one to the system. */
#define IS_NETWORK_PATH(path) (strncmp((path), "\\\\localhost", 11) == 0)
/** Make a block device of a file, and its path; and remove it. S */
void native_device_make(const char *path, char *device, apr_size_t size);
int native_device_remove(const char *device);

/* Processes. */

/** Fork, run, and what it returned; -1: it died. S */
int native_fork(int (*run)(void *), void *argument);
/** Does a program that is started have a file open whose path contains this? -1: it cannot be
    seen. */
int native_started_program_has(const char *part);
/** In such a child: no handles beyond those open now and `more`, or, if that is negative, none at
    all; 0: it cannot be limited. */
int native_limit_handles(int more);
/** The same for bytes of address space. */
int native_limit_memory(apr_size_t more);
/** End both limits. */
void native_limit_none(void);
/** The system refuses membarrier() from now on, or, for the slow ones, sched_setaffinity(). 0: it
    cannot be made to. */
int native_refuse_fences(int slow_ones);
/** How often the process has waited for something, without a processor. */
apr_size_t native_waits(void);
/** No file may become longer; the process would end by a signal. S */
void native_limit_file_size(apr_off_t size);
/** Take all mappings that the process may have but `leave`, and give them back. 0: there is no
    such limit, or it is too high. */
int native_take_mappings(unsigned leave);
void native_give_mappings(void);
/** Take all the memory that the C library gives, and give it back. */
void native_take_memory(void);
void native_give_memory(void);
/** Become another user than root, for good or (effective) only for now. 0: cannot be done. */
int native_become_nobody(int effective);
int native_is_root(void);
/** End the process, without ceremony, after so many seconds; 0: not any more. */
void native_alarm(unsigned seconds);
/** End it now. */
void native_exit(int code);

/** Memory with an alignment, and giving it back. NULL: there is none. */
void *native_aligned(apr_size_t alignment, apr_size_t size);
void native_aligned_free(void *memory);
/** May whole pages of it be touched? */
apr_status_t native_protect(void *memory, apr_size_t size, int allowed);

/** Hear of each fork: before it, and after it in the parent and in the child. Only the first
    call counts. Never, where there are no forks. */
void native_watch_forks(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));

/** The one lock of the fake backend. */
void fake_lock(void);
void fake_unlock(void);

/* For the runner. */

/** What a child that runs tests has to know. */
typedef struct native_order_t {
    unsigned first;         /**< index of the test to begin with */
    apr_size_t granularity; /**< 0: the real one */
    apr_uint64_t seed;
    const char *root;
    const char *only; /**< NULL: all */
    FILE *report;     /**< where the child reports */
} native_order_t;

typedef struct native_child_t {
    apr_int64_t process;
    FILE *from; /**< the other end of its report */
} native_child_t;

/** Start a child that calls run(order) and ends with what that returns. 0: it failed. On
    Windows it is this program again, which is told what to do by its arguments. */
int native_child_start(native_child_t *child, native_order_t *order,
                       int (*run)(const native_order_t *order));
/** main() asks first: is this such a child? Then its exit code, otherwise -1. */
int native_child_main(int argc, char **argv, int (*run)(const native_order_t *order));
/** Wait for its end. 1: by itself, with code 0. Otherwise `how` says how it was. */
int native_child_wait(native_child_t *child, char *how, apr_size_t size);
/** Note signals that ask for the end, from now on. */
void native_catch_signals(void);
int native_interrupted(void);
/** End the child and then, by the signal that came, this process. */
void native_end_interrupted(native_child_t *child, void (*clean_up)(void));
/** A new directory of our own below TMPDIR or the system's; 0: why is in errno. */
int native_make_root(char *path, apr_size_t size);
/** Lines of text leave at once. */
void native_line_buffered(FILE *file);

#endif
