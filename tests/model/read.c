/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's copying reads, from windows and from the system. See model.h.
 */
#include "model.h"

/* A small file, and the reads of it that bypass a window before it may be mapped. */
enum { SMALL_READS_BEFORE = 7, SMALL_SIZE = 64 * 1024 };

/* What costs are taken for at first, and how much more than two reads a dear map costs; which read
   of a cursor is timed. */
enum { MISS_FIRST = 16000, DEAR = 64000, SAMPLE = 61 };

static omanager_t *owner_of(world_t *w, int cursor)
{
    return &w->managers[w->cursors[cursor].manager];
}

static void note_piece(world_t *w, unsigned key, apr_off_t offset, apr_size_t length)
{
    if (w->piece_count == PIECES) {
        w->overflow = 1;
        return;
    }
    w->pieces[w->piece_count].key = key;
    w->pieces[w->piece_count].offset = offset;
    w->pieces[w->piece_count].length = length;
    w->piece_count++;
}

/* What began then is over. */
static void note_cost(const world_t *w, apr_int64_t *average, apr_int64_t began)
{
    apr_int64_t taken = w->clock - began;

    if (taken <= 0) {
        return;
    }
    if (*average == 0) {
        *average = taken;
    } else if (taken <= *average) {
        *average -= (*average - taken) / 4;
    } else {
        taken = taken < *average * 8 ? taken : *average * 8;
        *average += (taken - *average) / 8;
    }
}

void model_costs_begin(omanager_t *manager)
{
    manager->read = 0;
    manager->miss = MISS_FIRST;
}

/* Reads that bypass a window before it may be mapped, where that is not done at once: up to a
   quarter more or less than the costs say. */
static int reads_before(const omanager_t *manager, apr_uint64_t number)
{
    apr_int64_t touches = manager->read == 0 ? 0 : 4 * manager->miss / manager->read;
    apr_int64_t spread = (apr_int64_t)(number * 2654435761U % 4294967296U / 65536);

    touches = touches < 128 ? 64 : touches > 1600 ? 1600 : touches;
    return (int)(touches - touches / 4 + spread * (touches / 2) / 65536 - 1);
}

/* Should the read bypass the window that holds it? is_first: the read begins there. */
static int bypass(world_t *w, int file, apr_off_t offset, int is_first)
{
    ofile_t *it = &w->files[file];
    apr_uint64_t number = model_number(w, file, offset);
    const omanager_t *manager = &w->managers[it->manager];
    int pressure = manager->pressure;
    int small = !pressure && it->size < SMALL_SIZE;
    int before;
    int cold;

    if (!pressure && !small && manager->miss <= 2 * manager->read + DEAR) {
        return 0;
    }
    if (!model_prepare(w, it, number)) {
        return 1;
    }
    if (model_region_on_grid(w, file, number) != NONE) {
        return 0;
    }
    before = small ? SMALL_READS_BEFORE : reads_before(manager, number);
    cold = is_first && pressure && !it->hot[number] && it->first > 4 && number < it->first;
    if (it->touched[number] != before) {
        it->hot[number] |= it->touched[number] + 1 == before;
        it->touched[number] =
            (unsigned short)(it->touched[number] < before ? it->touched[number] + 1
                                                          : it->touched[number] - before);
        return 1;
    }
    it->hot[number] = 1;
    return cold || (pressure && !model_admitted(w, file, number));
}

static apr_status_t read_bypassed(world_t *w, int cursor, apr_off_t offset, apr_size_t size,
                                  apr_size_t *copied)
{
    ocursor_t *it = &w->cursors[cursor];
    int entered = !w->files[it->file].open;
    apr_status_t status = entered ? model_enter(w, it->file, it->path) : APR_SUCCESS;
    const inode_t *inode;
    apr_off_t there;
    apr_int64_t began;

    if (status != APR_SUCCESS) {
        return status;
    }
    inode = &w->inodes[w->files[it->file].inode];
    began = w->clock;
    status = model_call(w, FAKE_READ);
    if (it->reads++ % SAMPLE == 0 && (apr_off_t)size <= model_window(w, it->file) &&
        status == APR_SUCCESS) {
        note_cost(w, &owner_of(w, cursor)->read, began);
    }
    if (entered) {
        model_leave(w, it->file);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    owner_of(w, cursor)->stats.bypassed_reads++;
    there = inode->size - offset;
    *copied = there <= 0 ? 0 : there < (apr_off_t)size ? (apr_size_t)there : size;
    note_piece(w, inode->key, offset, *copied);
    if (*copied < size) {
        status = model_measure(w, it->file, it->path);
        return status != APR_SUCCESS ? status : SMMAP_ETRUNCATED;
    }
    return APR_SUCCESS;
}

/* A part that lies in one window, or more of the rest, where several windows are bypassed. */
static apr_status_t read_part(world_t *w, int cursor, apr_off_t offset, apr_size_t size,
                              apr_size_t rest, apr_size_t *copied)
{
    ocursor_t *it = &w->cursors[cursor];
    apr_status_t status;

    *copied = 0;
    if (!model_at(w, cursor, offset)) {
        apr_off_t end = offset + (apr_off_t)size;
        int region = end <= w->files[it->file].size
                         ? model_region_on_grid(w, it->file, model_number(w, it->file, offset))
                         : NONE;

        if (region == NONE && bypass(w, it->file, offset, 1)) {
            while (size < rest && bypass(w, it->file, offset + (apr_off_t)size, 0)) {
                apr_size_t more = (apr_size_t)model_window(w, it->file);

                size = rest - size < more ? rest : size + more;
            }
            return read_bypassed(w, cursor, offset, size, copied);
        }
        int instead;

        it->copying = 1;
        it->missed = 0;
        status = model_use(w, cursor, offset, size);
        instead = it->copying;
        it->copying = 0;
        if (status != APR_SUCCESS) {
            instead = instead && (model_exhausted(status) || status == SMMAP_ELIMIT_BYTES ||
                                  status == SMMAP_ELIMIT_REGIONS);
            return instead ? read_bypassed(w, cursor, offset, size, copied) : status;
        }
        if (it->missed) {
            note_cost(w, &owner_of(w, cursor)->miss, it->began);
        }
    }
    *copied = (apr_size_t)(model_region_end(&w->regions[it->region]) - offset);
    if (*copied > size) {
        *copied = size;
    }
    note_piece(w, w->regions[it->region].key, offset, *copied);
    return APR_SUCCESS;
}

apr_status_t model_read(world_t *w, int cursor, apr_off_t offset, apr_size_t size, apr_size_t *got)
{
    ocursor_t *it = &w->cursors[cursor];
    apr_off_t window = model_window(w, it->file);
    apr_off_t left;
    apr_status_t status = APR_SUCCESS;

    *got = 0;
    if (offset < 0) {
        return APR_EINVAL;
    }
    if (owner_of(w, cursor)->closed) {
        return SMMAP_ECLOSED;
    }
    left = w->files[it->file].size - offset;
    if (size != 0 && left <= 0) {
        return APR_EOF;
    }
    if ((apr_uint64_t)(left < 0 ? 0 : left) < size) {
        size = (apr_size_t)left;
    }
    while (status == APR_SUCCESS && *got < size) {
        apr_off_t at = offset + (apr_off_t)*got;
        apr_off_t in_window = window - at % window;
        apr_size_t part = size - *got;
        apr_size_t copied;

        if (in_window < (apr_off_t)part) {
            part = (apr_size_t)in_window;
        }
        status = read_part(w, cursor, at, part, size - *got, &copied);
        *got += copied;
    }
    /* It was there when we began. */
    return APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status;
}
