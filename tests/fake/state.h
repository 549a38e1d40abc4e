/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fake backend keeps, shared by its parts: backend.c and files.c act
 * as a backend, control.c gives the orders and answers the questions of a test.
 * Everything is read and written under fake_lock() (platform.h).
 */
#ifndef SMMAP_TESTS_FAKE_STATE_H
#define SMMAP_TESTS_FAKE_STATE_H

#include "backend.h"

#define FAKE_BUCKETS 4096u
#define FAKE_HANDLES 65536

/** A mapping that is given out; in a hash table by address. */
typedef struct fake_live_t {
    struct fake_live_t *next;
    unsigned char *address;
    apr_size_t length;
    apr_size_t whole; /**< length rounded up to pages */
    apr_off_t offset;
    apr_uint64_t file;
} fake_live_t;

/** A call to fail. */
typedef struct fake_order_t {
    apr_size_t at; /**< the count of calls that fails; 0: no order */
    int forever;   /**< and all behind it */
    apr_status_t status;
} fake_order_t;

typedef struct fake_state_t {
    apr_size_t granularity;
    apr_size_t max_open_files;
    smmap__os_memory_t memory;
    int tells_memory;
    apr_int64_t birth;
    smmap__os_id_t id;
    int stacked;
    int remote;
    int strange; /**< 1: the environment is another user's */
    apr_size_t absent;
    int holes_fill;
    int cached;
    apr_off_t advised;     /**< bytes of files that were advised on */
    apr_off_t advised_end; /**< where the last such advice ended */

    fake_live_t *live[FAKE_BUCKETS];
    unsigned char handles[FAKE_HANDLES]; /**< 1: given out and open; 2: for appending */
    apr_size_t live_mappings;
    apr_size_t live_bytes;
    apr_size_t live_handles;

    /* The same, counted from before a thing is given out until after it was taken back, and the
       most there ever were: never below what there really was. */
    fake_peaks_t held;
    fake_peaks_t peaks;

    void (*hooks[FAKE_ANY])(void *data); /**< to be called once; NULL: none */
    void *hook_data[FAKE_ANY];

    apr_int64_t clock;           /**< nanoseconds */
    apr_int64_t takes[FAKE_ANY]; /**< of them, for a call of each kind */

    apr_size_t calls[FAKE_ANY + 1]; /**< the last is the sum */
    fake_order_t orders[FAKE_ANY + 1];
    apr_size_t failed;
    apr_size_t fail_above;
    apr_size_t fail_total;

    apr_size_t misuses;
    char misuse[200];

    int recording;
    fake_event_t *events;
    apr_size_t event_count;
    apr_size_t event_room;
} fake_state_t;

extern fake_state_t fake_state;

/** Begin a call: run its hook, take the lock, count it. Returns the status to fail it with, or
    APR_SUCCESS. */
apr_status_t fake_enter(fake_call_t call);
/** End it: let the lock go. */
void fake_leave(void);
/** The library broke the contract. Under the lock. */
void fake_note_misuse(const char *what);
/** Of something that is given out: `more`, or `taken` back. Under the lock. */
void fake_hold(apr_size_t *held, apr_size_t *peak, apr_size_t more, apr_size_t taken);

#endif
