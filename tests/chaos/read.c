/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The readers of the chaos program: threads with a few cursors each, which read in all ways
 * that are guarded. Each byte of each answer is looked at, and each status has to be one that
 * is documented for what the children do.
 *
 * A cursor is on one file for its whole life, whatever its path leads to later; so the version
 * that it shows first is the only one that it may show.
 */
#include "chaos.h"

#include <string.h>

enum { SLOTS = 6, MOST_WINDOWS = 3, STEPS_BETWEEN_OPENS = 12 };

/* A cursor, and what is known of its file. */
typedef struct slot_t {
    smmap_cursor_t *cursor; /* NULL: the path led nowhere */
    smmap_buffer_t *buffer;
    unsigned file;
    unsigned oldest;  /* the path cannot have led to anything older */
    unsigned version; /* 0: nothing was read yet */
} slot_t;

typedef struct reader_t {
    stress_worker_t *worker;
    slot_t slots[SLOTS];
    unsigned char *bytes; /* room for what is asked for at most */
    apr_size_t room;
} reader_t;

/* These bytes were answered. */
static void look(slot_t *slot, const unsigned char *bytes, apr_off_t offset, apr_size_t size,
                 const char *what)
{
    unsigned version;

    if (size == 0) {
        return;
    }
    version = chaos_version(bytes, slot->file, offset, size, what);
    atomic_fetch_add(&chaos.bytes, size);
    if (version == 0) {
        return; /* it was said */
    }
    if (slot->version != 0 && version != slot->version) {
        stress_bad("%s: file %u at %lld: version %u on a cursor that is on version %u", what,
                   slot->file, (long long)offset, version, slot->version);
    } else if (version < slot->oldest || version > atomic_load(&chaos.shared->made[slot->file])) {
        stress_bad("%s: file %u at %lld: version %u, when the path led to %u to %u", what,
                   slot->file, (long long)offset, version, slot->oldest,
                   atomic_load(&chaos.shared->made[slot->file]));
    }
    slot->version = version;
}

/* What a call came to. `may` says which kinds are documented for it, one bit each. */
static chaos_outcome_t note(apr_status_t status, unsigned may, const char *what)
{
    chaos_outcome_t outcome = OUTCOME_KINDS;
    char text[160];

    if (status == APR_SUCCESS) {
        outcome = OUTCOME_DONE;
    } else if (APR_STATUS_IS_EOF(status)) {
        outcome = OUTCOME_EOF;
    } else if (status == SMMAP_ETRUNCATED) {
        outcome = OUTCOME_TRUNCATED;
    } else if (status == SMMAP_EFAULT) {
        outcome = OUTCOME_FAULT;
    } else if (status == SMMAP_ESTALE) {
        outcome = OUTCOME_STALE;
    } else if (APR_STATUS_IS_ENOENT(status)) {
        outcome = OUTCOME_ABSENT;
    } else if (smmap_manager_limits(chaos.manager) == SMMAP_LIMITS_HARD &&
               (status == SMMAP_ELIMIT_BYTES || status == SMMAP_ELIMIT_REGIONS ||
                status == SMMAP_ELIMIT_FILES)) {
        outcome = OUTCOME_LIMIT;
    }
    if (outcome == OUTCOME_KINDS || (may >> outcome & 1) == 0) {
        stress_bad("%s: status %d, %s", what, (int)status,
                   smmap_strerror(status, text, sizeof text));
        return OUTCOME_KINDS;
    }
    atomic_fetch_add(&chaos.outcomes[outcome], 1);
    return outcome;
}

/* What may come of any call that has to find its file again. */
enum {
    MAY_REOPEN = 1 << OUTCOME_DONE | 1 << OUTCOME_STALE | 1 << OUTCOME_ABSENT | 1 << OUTCOME_LIMIT,
    MAY_READ = MAY_REOPEN | 1 << OUTCOME_EOF | 1 << OUTCOME_TRUNCATED,
    MAY_GUARD = MAY_REOPEN | 1 << OUTCOME_TRUNCATED | 1 << OUTCOME_FAULT
};

static void close_slot(slot_t *slot)
{
    smmap_buffer_close(slot->buffer);
    smmap_cursor_close(slot->cursor);
    memset(slot, 0, sizeof *slot);
}

static void open_slot(reader_t *reader, slot_t *slot)
{
    apr_status_t status;

    close_slot(slot);
    slot->file = (unsigned)stress_below(reader->worker, CHAOS_FILES);
    slot->oldest = atomic_load(&chaos.shared->named[slot->file]);
    status = smmap_cursor_open(&slot->cursor, chaos.manager, chaos.paths[slot->file],
                               reader->worker->pool);
    if (note(status, 1 << OUTCOME_DONE | 1 << OUTCOME_ABSENT | 1 << OUTCOME_LIMIT,
             "smmap_cursor_open") == OUTCOME_DONE) {
        atomic_fetch_add(&chaos.opens, 1);
        status = smmap_buffer_create(&slot->buffer, slot->cursor, 0, SMMAP_TO_END,
                                     reader->worker->pool);
        note(status, 1 << OUTCOME_DONE | 1 << OUTCOME_EOF, "smmap_buffer_create");
    }
}

/* A range that begins in the file as it was measured last, and may end behind it. */
static apr_off_t choose(reader_t *reader, const slot_t *slot, apr_size_t *size)
{
    apr_off_t there = smmap_cursor_file_size(slot->cursor);

    *size = 1 + stress_below(reader->worker, stress_below(reader->worker, 2) == 0 ? 64
                                                                                  : reader->room);
    return there > 0 ? (apr_off_t)stress_below(reader->worker, (apr_size_t)there) : 0;
}

static apr_status_t copy(reader_t *reader, slot_t *slot)
{
    apr_size_t size;
    apr_off_t offset = choose(reader, slot, &size);
    apr_size_t got = 0;
    apr_status_t status = smmap_cursor_read(slot->cursor, offset, reader->bytes, size, &got);

    note(status, MAY_READ, "smmap_cursor_read");
    look(slot, reader->bytes, offset, got, "smmap_cursor_read");
    return status;
}

static apr_status_t copy_by_buffer(reader_t *reader, slot_t *slot)
{
    apr_off_t there = smmap_buffer_size(slot->buffer);
    apr_size_t size;
    apr_size_t got = 0;
    apr_off_t index;
    apr_status_t status;

    if (slot->buffer == NULL || there == 0 || stress_below(reader->worker, 8) == 0) {
        if (slot->buffer == NULL) {
            return APR_SUCCESS;
        }
        status = smmap_buffer_begin_access(slot->buffer, slot->cursor, 0, SMMAP_TO_END);
        note(status, 1 << OUTCOME_DONE | 1 << OUTCOME_EOF, "smmap_buffer_begin_access");
        return status;
    }
    choose(reader, slot, &size);
    index = (apr_off_t)stress_below(reader->worker, (apr_size_t)there);
    if (stress_below(reader->worker, 3) == 0) {
        status = smmap_buffer_byte(slot->buffer, index, reader->bytes);
        got = status == APR_SUCCESS;
    } else {
        status = smmap_buffer_read(slot->buffer, index, reader->bytes, size, &got);
    }
    note(status, MAY_READ, "a buffer");
    look(slot, reader->bytes, index, got, "a buffer");
    return status;
}

/* What a pointer shows is taken away, so that it can be looked at when it is known to be good. */
static void take(unsigned char *to, const unsigned char *from, apr_size_t size)
{
    const volatile unsigned char *each = from;
    apr_size_t i;

    for (i = 0; i < size; i++) {
        to[i] = each[i];
    }
}

/* By pointer, in one window or in two, one after the other. */
static apr_status_t point(reader_t *reader, slot_t *slot)
{
    apr_size_t sizes[2] = {0, 0};
    apr_off_t offsets[2] = {0, 0};
    unsigned moves = 1 + (unsigned)stress_below(reader->worker, 2);
    apr_status_t status = smmap_cursor_begin_guard(slot->cursor);
    apr_status_t ended;
    unsigned m;

    if (note(status, 1 << OUTCOME_DONE, "smmap_cursor_begin_guard") != OUTCOME_DONE) {
        return status;
    }
    for (m = 0; m < moves && status == APR_SUCCESS; m++) {
        apr_size_t size;

        offsets[m] = choose(reader, slot, &size);
        size = 1 + size / 4;
        status = stress_below(reader->worker, 3) == 0
                     ? smmap_cursor_require(slot->cursor, offsets[m], size)
                     : smmap_cursor_use(slot->cursor, offsets[m], size);
        note(status, MAY_READ, "a move");
        if (status == APR_SUCCESS) {
            sizes[m] = smmap_cursor_size(slot->cursor);
            take(reader->bytes + m * (reader->room / 2), smmap_cursor_data(slot->cursor),
                 sizes[m]);
        }
    }
    ended = smmap_cursor_end_guard(slot->cursor);
    note(ended, MAY_GUARD, "smmap_cursor_end_guard");
    for (m = 0; m < moves && ended == APR_SUCCESS; m++) {
        look(slot, reader->bytes + m * (reader->room / 2), offsets[m], sizes[m], "a pointer");
    }
    return ended != APR_SUCCESS ? ended : status;
}

static apr_status_t other(reader_t *reader, slot_t *slot)
{
    apr_status_t status = APR_SUCCESS;

    switch (stress_below(reader->worker, 8)) {
    case 0:
        status = smmap_manager_collect(chaos.manager, NULL);
        note(status, 1 << OUTCOME_DONE, "smmap_manager_collect");
        return APR_SUCCESS;
    case 1:
        status = smmap_manager_drop(chaos.manager, chaos.paths[slot->file], NULL);
        note(status, 1 << OUTCOME_DONE, "smmap_manager_drop");
        return APR_SUCCESS;
    case 2:
        smmap_cursor_release(slot->cursor);
        return APR_SUCCESS;
    default:
        status = smmap_cursor_refresh(slot->cursor);
        note(status, MAY_REOPEN, "smmap_cursor_refresh");
        return status;
    }
}

static void step(reader_t *reader)
{
    slot_t *slot = &reader->slots[stress_below(reader->worker, SLOTS)];
    apr_status_t status;
    apr_size_t kind = stress_below(reader->worker, 16);

    if (slot->cursor == NULL || stress_below(reader->worker, STEPS_BETWEEN_OPENS) == 0) {
        open_slot(reader, slot);
        return;
    }
    if (kind < 7) {
        status = copy(reader, slot);
    } else if (kind < 11) {
        status = point(reader, slot);
    } else if (kind < 14) {
        status = copy_by_buffer(reader, slot);
    } else {
        status = other(reader, slot);
    }
    if (status == SMMAP_ESTALE || (APR_STATUS_IS_ENOENT(status) &&
                                   stress_below(reader->worker, 2) == 0)) {
        open_slot(reader, slot);
    }
}

void chaos_read(stress_worker_t *worker)
{
    reader_t reader;
    unsigned s;

    memset(&reader, 0, sizeof reader);
    reader.worker = worker;
    reader.room = MOST_WINDOWS * 4 * chaos.page;
    reader.bytes = apr_palloc(worker->pool, reader.room);
    while (stress_more(worker)) {
        step(&reader);
        atomic_fetch_add(&chaos.shared->turns[worker->number], 1);
    }
    for (s = 0; s < SLOTS; s++) {
        close_slot(&reader.slots[s]);
    }
    atomic_fetch_add(&chaos.shared->turns[worker->number], 1);
    atomic_fetch_sub(&chaos.shared->readers, 1);
}
