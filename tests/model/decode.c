/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From bytes to operations. See model.h.
 *
 * A record has eight bytes: the kind, then numbers that choose among what there is.
 * Any bytes are an operation, and leaving records out leaves operations out: that is
 * what a fuzzer and shrinking want. Where there is nothing to choose from (no cursor,
 * no manager), the operation becomes the one that makes it.
 */
#include "model.h"

#include <string.h>

#define OFFSET_MOST ((apr_off_t)(~(apr_uint64_t)0 >> 1))

static kind_t kind_of(unsigned byte)
{
    unsigned sum = 0;
    int kind;

    for (kind = 0; kind < KINDS - 1; kind++) {
        sum += model_kind_weight(kind);
        if (byte < sum) {
            break;
        }
    }
    return (kind_t)kind;
}

/* Choosing among what there is: the `which`-th of those in use, or not in use. */

static int nth(const int *fit, int count, unsigned which)
{
    int total = 0;
    int i;

    for (i = 0; i < count; i++) {
        total += fit[i];
    }
    if (total == 0) {
        return NONE;
    }
    which %= (unsigned)total;
    for (i = 0; !fit[i] || which-- > 0; i++) {
    }
    return i;
}

static int a_manager(const world_t *w, unsigned which)
{
    int fit[MANAGERS];
    int i;

    for (i = 0; i < MANAGERS; i++) {
        fit[i] = w->managers[i].used && !w->managers[i].closed;
    }
    return nth(fit, MANAGERS, which);
}

static int a_new_manager(const world_t *w)
{
    int free_one = NONE;
    int live = 0;
    int i;

    for (i = MANAGERS - 1; i >= 0; i--) {
        live += w->managers[i].used && !w->managers[i].closed;
        if (!w->managers[i].used) {
            free_one = i;
        }
    }
    return live < LIVE_MANAGERS ? free_one : NONE;
}

static int a_cursor(const world_t *w, unsigned which, int used)
{
    int fit[CURSORS];
    int i;

    for (i = 0; i < CURSORS; i++) {
        fit[i] = w->cursors[i].used == used;
    }
    return nth(fit, CURSORS, used ? which : 0);
}

static int a_buffer(const world_t *w, unsigned which, int used)
{
    int fit[BUFFERS];
    int i;

    for (i = 0; i < BUFFERS; i++) {
        fit[i] = w->buffers[i].used == used;
    }
    return nth(fit, BUFFERS, used ? which : 0);
}

/* Numbers. */

static apr_off_t file_size(const world_t *w, unsigned shape, unsigned count)
{
    const apr_off_t grain = (apr_off_t)w->granularity;
    const apr_off_t whole = (apr_off_t)(1 + count % w->largest) * grain;

    switch (shape % 8) {
    case 0:
        return shape < 64 ? 0 : 1;
    case 1:
        return whole - 1;
    case 2:
        return whole + 1;
    case 3:
        return whole + 17;
    case 4:
        return whole / 2;
    case 5:
        return whole + (apr_off_t)shape * 8;
    default:
        return whole;
    }
}

/* An offset in something of this size: mostly near the edges of windows. */
static apr_off_t an_offset(const world_t *w, apr_off_t size, apr_off_t window, apr_off_t behind,
                           unsigned shape, unsigned count)
{
    const apr_off_t grain = (apr_off_t)w->granularity;
    const apr_off_t number = (apr_off_t)count;
    const apr_off_t little = shape >> 4;

    switch (shape % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        return number % (size / window + 1) * window + little;
    case 4:
        return number % (size / window + 1) * window + window - 1 - little;
    case 5:
    case 6:
        return number % (size / grain + 1) * grain + little;
    case 7:
        return size > little ? size - 1 - little : 0;
    case 8:
        return size + little;
    case 9:
        return little;
    case 10:
    case 11:
        return behind; /* a scan */
    case 12:
    case 13:
        return number % 3 * window + little; /* what is hot */
    case 14:
        return number * 257 % (size + 1);
    default:
        return shape == 0xff ? -1 - number : shape == 0xef ? OFFSET_MOST - number % 3 : number;
    }
}

static apr_off_t a_size(const world_t *w, apr_off_t size, apr_off_t window, unsigned shape,
                        unsigned count)
{
    const apr_off_t grain = (apr_off_t)w->granularity;
    const apr_off_t number = (apr_off_t)count;

    switch (shape % 8) {
    case 0:
        return shape < 128 ? 0 : 1;
    case 1:
        return number;
    case 2:
        return number * grain / 16;
    case 3:
        return window;
    case 4:
        return grain + number;
    case 5:
        return size;
    case 6:
        return 1 + number;
    default:
        return shape == 0xff ? OFFSET_MOST - number : window + number;
    }
}

/* Options of a manager: small numbers of everything, so that limits matter. */
static void some_options(const world_t *w, const unsigned char *record, operation_t *o)
{
    static const smmap_mode_t modes[] = {SMMAP_MODE_SLIDING, SMMAP_MODE_SLIDING,
                                         SMMAP_MODE_SLIDING, SMMAP_MODE_STATIC, SMMAP_MODE_AUTO};
    static const unsigned windows[] = {1, 1, 1, 2, 2, 3, 4, 0};
    static const unsigned files[] = {0, 1, 1, 2, 3, 4};
    const smmap_options_t plain = SMMAP_OPTIONS_INIT;
    const apr_size_t grain = w->granularity;
    apr_size_t window;

    o->options = plain;
    o->options.mode = modes[record[1] % 5];
    o->options.limits = record[2] & 1 ? SMMAP_LIMITS_HARD : SMMAP_LIMITS_SOFT;
    if ((record[2] & 7) == 1) {
        o->options.limits = (smmap_limits_t)(record[2] / 8u % 8u); /* some of them */
    }
    window = windows[record[3] % 8] * grain;
    o->options.window_size = window != 0 && record[3] >= 192 ? window - 5 : window;
    switch (record[4] % 8) {
    case 0:
        o->options.max_mapped_bytes = SMMAP_UNLIMITED;
        break;
    case 1:
        break;
    case 2:
        o->options.max_mapped_bytes = (record[4] / 8 + 1) * grain / 2 + 1;
        break;
    default:
        o->options.max_mapped_bytes =
            (1 + record[4] / 8 % 8) * (window != 0 ? window : grain);
        break;
    }
    if (record[5] % 4 == 0) {
        o->options.max_regions = 1 + record[5] / 4u % 6u;
    } else if (record[5] % 16 == 1) {
        o->options.max_regions = 64 + record[5] / 16u; /* where more go than must */
    } else if (record[5] % 16 == 2) {
        o->options.max_regions = SMMAP_UNLIMITED;
    }
    o->options.max_open_files = files[record[6] % 6];
    if (record[7] == 0xf0) {
        o->options.struct_size--;
    } else if (record[7] == 0xf1) {
        o->options.mode = (smmap_mode_t)3;
    } else if (record[7] == 0xf2) {
        o->options.limits = (smmap_limits_t)8;
    } else if (record[7] == 0xf3) {
        o->options.window_size = SMMAP_UNLIMITED - record[6];
    }
}

static void a_fault(const unsigned char *record, operation_t *o)
{
    static const int calls[] = {FAKE_DUP,  FAKE_CLOSE,       FAKE_BIRTH, FAKE_MAP,
                                FAKE_MAP,  FAKE_UNMAP,       FAKE_UNMAP, FAKE_ADVISE,
                                FAKE_READ, FAKE_FILE_ADVISE, CALL_STAT};
    static const apr_status_t statuses[] = {APR_ENOMEM, APR_ENOMEM, APR_EMFILE,
                                            APR_ENFILE, APR_EACCES, APR_EGENERAL};

    o->choice = calls[record[1] % 11];
    o->which = 1 + record[2] % 4;
    o->status = statuses[record[3] % 6];
    o->forever = record[4] < 64;
}

/* What is missing is made first: this turns the operation into that. */
static int lacks(const world_t *w, const unsigned char *record, operation_t *o)
{
    const int needs_manager = o->kind >= DO_DESTROY_MANAGER && o->kind <= DO_WRONG;
    const int needs_buffer = o->kind > DO_BUFFER_CREATE && o->kind <= DO_BUFFER_CLOSE;
    const int needs_cursor =
        (o->kind >= DO_COPY && o->kind <= DO_ADVISE) || o->kind == DO_WRONG;

    if (needs_manager && a_manager(w, 0) == NONE) {
        o->kind = DO_CREATE_MANAGER;
    }
    if (o->kind == DO_CREATE_MANAGER) {
        int place = a_new_manager(w);

        if (place != NONE) {
            o->manager = place;
            some_options(w, record, o);
            return 1;
        }
        o->kind = o->manager != NONE ? DO_DESTROY_MANAGER : DO_CLEAR_POOL;
    }
    if (needs_buffer && o->buffer == NONE) {
        o->kind = DO_BUFFER_CREATE;
    }
    if (o->kind == DO_BUFFER_CREATE) {
        o->buffer = a_buffer(w, 0, 0);
        if (o->buffer == NONE) {
            o->kind = DO_BUFFER_CLOSE;
            o->buffer = a_buffer(w, record[1], 1);
        }
    }
    if (needs_cursor && o->cursor == NONE) {
        o->kind = DO_OPEN;
    }
    if (o->kind == DO_OPEN || o->kind == DO_OPEN_HANDLE || o->kind == DO_COPY) {
        o->other = o->cursor;
        o->cursor = a_cursor(w, 0, 0);
        if (o->cursor == NONE) {
            o->kind = DO_CLOSE;
            o->cursor = o->other;
        }
    }
    return 0;
}

/* Where a cursor is, and where it might go. */
static void a_range(const world_t *w, const unsigned char *record, int cursor, operation_t *o)
{
    const ocursor_t *it = &w->cursors[cursor];
    apr_off_t size = w->files[it->file].size;
    apr_off_t window = (apr_off_t)w->managers[it->manager].window;
    apr_off_t behind = it->region != NONE ? model_region_end(&w->regions[it->region]) : 0;

    window = window != 0 ? window : 2 * (apr_off_t)w->granularity;
    o->offset = an_offset(w, size, window, behind, record[3], record[4]);
    o->size = a_size(w, size, window, record[5], record[6]);
    if (o->kind == DO_READ && o->size > size + 64) {
        o->size = size + 64;
    }
    if (o->kind == DO_ADVISE && record[5] == 0xfe) {
        o->size = -1;
    }
}

/* The same for the range of a buffer; an index may be negative. */
static void an_index(const world_t *w, const unsigned char *record, operation_t *o)
{
    const obuffer_t *it = &w->buffers[o->buffer];
    apr_off_t window = 2 * (apr_off_t)w->granularity;

    o->offset = an_offset(w, it->size, window, it->size / 2, record[3], record[4]);
    if (record[2] & 1) {
        o->offset = -o->offset - (record[2] >> 1 & 1);
    }
    o->size = a_size(w, it->size, window, record[5], record[6]);
    if (o->kind == DO_BUFFER_READ && o->size > it->size + 64) {
        o->size = it->size + 64;
    }
}

int model_repeats(const unsigned char record[RECORD])
{
    kind_t kind = kind_of(record[0]);

    if (record[2] < 248 || (kind != DO_USE && kind != DO_READ && kind != DO_BUFFER_READ)) {
        return 1;
    }
    return record[2] < 254 ? 70 : 200;
}

void model_decode(const world_t *w, const unsigned char record[RECORD], operation_t *o)
{
    memset(o, 0, sizeof *o);
    o->kind = kind_of(record[0]);
    o->manager = a_manager(w, record[1]);
    o->cursor = a_cursor(w, record[1], 1);
    o->other = a_cursor(w, record[2], 1);
    o->buffer = a_buffer(w, record[1], 1);
    o->pool = record[7] % POOLS;
    o->path = record[3] % PATHS;
    o->other_path = record[4] % PATHS;
    if (lacks(w, record, o)) {
        return;
    }
    o->allocation = record[7] >= 244 ? 1 + record[7] % 8 : 0;
    switch (o->kind) {
    case DO_SET_LIMITS:
        some_options(w, record, o);
        break;
    case DO_OPEN_HANDLE:
        o->choice = record[5] < 16 ? 1 + record[5] % 2 : 0; /* 1: not for reading, 2: none */
        break;
    case DO_USE:
    case DO_REQUIRE:
    case DO_READ:
    case DO_ADVISE:
        a_range(w, record, o->cursor, o);
        o->choice = record[2] == 0xff ? 2 : record[2] % 2;
        break;
    case DO_HINT:
        o->choice = record[2] == 0xff ? 3 : record[2] % 3;
        break;
    case DO_BUFFER_CREATE:
    case DO_BUFFER_BEGIN:
        o->cursor = record[2] < 32 ? NONE : o->other;
        o->offset = 0;
        o->size = SMMAP_TO_END;
        if (o->cursor != NONE) {
            a_range(w, record, o->cursor, o);
            o->size = record[5] == 0xfd ? -2 : record[5] < 80 ? SMMAP_TO_END : o->size;
        }
        break;
    case DO_BUFFER_BYTE:
    case DO_BUFFER_READ:
    case DO_BUFFER_SLICE:
        an_index(w, record, o);
        break;
    case DO_WRONG:
        o->choice = record[2];
        break;
    case DO_FILE_MAKE:
    case DO_FILE_GROW:
    case DO_FILE_CUT:
        o->size = file_size(w, record[5], record[6]);
        o->choice = record[7] & 3; /* the id of a file that is gone; its times, too */
        break;
    case DO_FAULT:
        a_fault(record, o);
        break;
    case DO_FAULT_ABOVE:
    case DO_FAULT_TOTAL:
        o->size = (apr_off_t)((1 + record[1] % 8) * w->granularity);
        break;
    case DO_BIRTH:
        o->size = record[1] % 3;
        break;
    default:
        break;
    }
}

void model_decode_first(world_t *w, const unsigned char record[RECORD], operation_t files[3])
{
    static const apr_size_t granularities[] = {4096, 4096, 16384, 65536};
    static const apr_size_t sizes[4][4] = {
        {6, 12, 30, 160}, {6, 12, 30, 160}, {4, 8, 12, 20}, {2, 4, 5, 6}};
    int i;

    w->granularity = granularities[record[0] % 4];
    w->largest = sizes[record[0] % 4][record[1] % 4];
    w->clock_goes = record[1] >= 64;
    for (i = 0; i < 3; i++) {
        memset(&files[i], 0, sizeof files[i]);
        files[i].kind = DO_FILE_MAKE;
        files[i].path = i;
        files[i].size = file_size(w, record[2 + i], record[5 + i]);
    }
}
