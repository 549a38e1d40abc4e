/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All calls at random, from all threads, on a few files: with hard limits that are
 * always reached, with soft ones, with whole files instead of windows, and with
 * fewer handles than files.
 *
 * Each thread has a few places with a cursor each. What a cursor shows is compared
 * with the file after each call that may have changed it, and before it moves again.
 */
#include "stress.h"

#include <string.h>

enum { PLACES = 3, MOST_READ = 3 /* units */ };

/* A cursor of a thread, in a pool of its own. */
typedef struct place_t {
    apr_pool_t *pool;
    smmap_cursor_t *cursor; /* NULL: none, as a limit refused it */
    unsigned file;
} place_t;

typedef struct mixer_t {
    stress_worker_t *worker;
    place_t places[PLACES];
    unsigned char *copied;
} mixer_t;

static const stress_file_t *file_of(const place_t *place)
{
    return &stress.files[place->file];
}

/* Away with the cursor; by its pool, or by itself. */
static void close_place(mixer_t *mixer, place_t *place)
{
    if (place->cursor != NULL && stress_below(mixer->worker, 2) == 0) {
        smmap_cursor_close(place->cursor);
    }
    apr_pool_clear(place->pool);
    place->cursor = NULL;
}

static void open_place(mixer_t *mixer, place_t *place)
{
    stress_worker_t *worker = mixer->worker;
    apr_status_t status;

    close_place(mixer, place);
    place->file = (unsigned)stress_below(worker, STRESS_FILES);
    if (stress_below(worker, 4) == 0) {
        int descriptor = stress_open(file_of(place));

        status = smmap_cursor_open_handle(&place->cursor, stress.manager, descriptor, place->pool);
        stress_close(descriptor);
    } else {
        status = smmap_cursor_open(&place->cursor, stress.manager, file_of(place)->path,
                                   place->pool);
    }
    if (!stress_went_well(worker, status, "open")) {
        place->cursor = NULL;
    }
}

/* Somewhere in the file; often near the start, so that some windows are hot. */
static apr_off_t somewhere(mixer_t *mixer, const place_t *place)
{
    apr_size_t size = file_of(place)->size;

    if (stress_below(mixer->worker, 3) == 0) {
        size = 3 * stress.unit;
    }
    return (apr_off_t)stress_below(mixer->worker, size);
}

static void use_it(mixer_t *mixer, place_t *place)
{
    stress_worker_t *worker = mixer->worker;
    apr_off_t offset = somewhere(mixer, place);
    apr_size_t size = stress_below(worker, 2 * stress.unit);

    worker->moves++;
    if (stress_went_well(worker, smmap_cursor_use(place->cursor, offset, size), "use") &&
        (smmap_cursor_offset(place->cursor) != offset ||
         (size != 0 && smmap_cursor_size(place->cursor) > size))) {
        stress_bad("use: the cursor is not where it should be");
    }
}

static void require_it(mixer_t *mixer, place_t *place)
{
    stress_worker_t *worker = mixer->worker;
    apr_off_t offset = somewhere(mixer, place);
    apr_size_t left = file_of(place)->size - (apr_size_t)offset;
    apr_size_t size = 1 + stress_below(worker, 2 * stress.unit);

    if (size > left) {
        size = left;
    }
    worker->moves++;
    if (stress_went_well(worker, smmap_cursor_require(place->cursor, offset, size), "require") &&
        (smmap_cursor_offset(place->cursor) != offset ||
         smmap_cursor_size(place->cursor) != size)) {
        stress_bad("require: the cursor is not where it should be");
    }
}

static void past_the_end(place_t *place)
{
    apr_off_t size = (apr_off_t)file_of(place)->size;

    if (!APR_STATUS_IS_EOF(smmap_cursor_use(place->cursor, size, 1)) ||
        smmap_cursor_is_valid(place->cursor)) {
        stress_bad("use at the end of a file is no APR_EOF");
    }
    if (!APR_STATUS_IS_EOF(smmap_cursor_require(place->cursor, size - 1, 2))) {
        stress_bad("require past the end of a file is no APR_EOF");
    }
}

static void read_it(mixer_t *mixer, place_t *place)
{
    stress_worker_t *worker = mixer->worker;
    apr_off_t offset = somewhere(mixer, place);
    apr_size_t left = file_of(place)->size - (apr_size_t)offset;
    apr_size_t size = 1 + stress_below(worker, MOST_READ * stress.unit);
    apr_size_t got = 0;
    apr_status_t status = smmap_cursor_read(place->cursor, offset, mixer->copied, size, &got);

    worker->perhaps += MOST_READ + 1; /* as many windows it can touch */
    if (stress_went_well(worker, status, "read") && got != (size < left ? size : left)) {
        stress_bad("read: fewer bytes than there are");
    }
    stress_same(file_of(place), offset, mixer->copied, got);
}

static void advise_it(mixer_t *mixer, place_t *place)
{
    stress_worker_t *worker = mixer->worker;
    static const smmap_access_t hints[] = {SMMAP_ACCESS_NORMAL, SMMAP_ACCESS_SEQUENTIAL,
                                           SMMAP_ACCESS_RANDOM};
    smmap_advice_t advice = stress_below(worker, 2) == 0 ? SMMAP_WILL_NEED : SMMAP_DONT_NEED;
    apr_status_t status;

    stress_went_well(worker, smmap_cursor_hint(place->cursor, hints[stress_below(worker, 3)]),
                     "hint");
    status = smmap_cursor_advise(place->cursor, somewhere(mixer, place), (apr_off_t)stress.unit,
                                 advice);
    if (!APR_STATUS_IS_ENOTIMPL(status)) {
        stress_went_well(worker, status, "advise");
    }
}

/* The one becomes what the other is; two cursors on one window for a while. */
static void copy_it(mixer_t *mixer, place_t *place, place_t *to)
{
    stress_worker_t *worker = mixer->worker;
    int valid = smmap_cursor_is_valid(place->cursor);

    if (place == to) {
        return;
    }
    if (to->cursor != NULL && stress_below(worker, 2) == 0) {
        stress_went_well(worker, smmap_cursor_assign(to->cursor, place->cursor), "assign");
    } else {
        close_place(mixer, to);
        if (!stress_went_well(worker, smmap_cursor_copy(&to->cursor, place->cursor, to->pool),
                              "copy")) {
            to->cursor = NULL;
            return;
        }
    }
    to->file = place->file;
    if (smmap_cursor_is_valid(to->cursor) != valid ||
        smmap_cursor_offset(to->cursor) != smmap_cursor_offset(place->cursor) ||
        (valid && smmap_cursor_region_clients(to->cursor) < 2)) {
        stress_bad("a copy is not as what it was copied from");
    }
}

static void step(mixer_t *mixer)
{
    stress_worker_t *worker = mixer->worker;
    place_t *place = &mixer->places[stress_below(worker, PLACES)];
    place_t *other = &mixer->places[stress_below(worker, PLACES)];
    apr_size_t what = stress_below(worker, 100);

    if (place->cursor == NULL || what < 6) {
        open_place(mixer, place);
    } else if (!stress_shows(place->cursor, file_of(place))) {
        return;
    } else if (what < 46) {
        use_it(mixer, place);
    } else if (what < 58) {
        require_it(mixer, place);
    } else if (what < 74) {
        read_it(mixer, place);
    } else if (what < 78) {
        advise_it(mixer, place);
    } else if (what < 86) {
        copy_it(mixer, place, other);
    } else if (what < 92) {
        smmap_cursor_release(place->cursor);
    } else if (what < 95) {
        stress_went_well(worker, smmap_cursor_refresh(place->cursor), "refresh");
    } else if (what < 97) {
        stress_went_well(worker, smmap_manager_collect(stress.manager, NULL), "collect");
    } else if (what < 99) {
        past_the_end(place);
    } else {
        close_place(mixer, place);
    }
    if (place->cursor != NULL) {
        stress_shows(place->cursor, file_of(place));
    }
}

static void mix(stress_worker_t *worker)
{
    mixer_t mixer;
    unsigned p;

    memset(&mixer, 0, sizeof mixer);
    mixer.worker = worker;
    mixer.copied = apr_palloc(mixer.worker->pool, MOST_READ * stress.unit + 1);
    for (p = 0; p < PLACES; p++) {
        apr_pool_create(&mixer.places[p].pool, mixer.worker->pool);
    }
    while (stress_more(mixer.worker)) {
        step(&mixer);
    }
    for (p = 0; p < PLACES; p++) {
        close_place(&mixer, &mixer.places[p]);
    }
}

static void mix_lap(int watched)
{
    stress_worker_t total;

    stress_manage();
    if (watched) {
        stress_watch_begin();
    }
    total = stress_run(mix);
    if (watched) {
        stress_watch_end();
    } else {
        stress_equal("calls that a limit refused", total.refused, 0);
    }
    stress_settle(&total);
}

/* More cursors than regions: some calls are refused, and everything is evicted all the
   time. As a cursor that is open by handle keeps it, so are some handles. */
static void mix_hard(void)
{
    stress_files(24, 1);
    stress.options.limits = SMMAP_LIMITS_HARD;
    stress.options.max_mapped_bytes = 3 * stress.threads * stress.unit;
    stress.options.max_regions = 2 * stress.threads + 1;
    stress.options.max_open_files = STRESS_FILES - 1;
    mix_lap(1);
}

static void mix_soft(void)
{
    stress_files(24, 1);
    stress.options.max_mapped_bytes = 6 * stress.unit;
    stress.options.max_open_files = 2;
    mix_lap(0);
}

static void mix_static(void)
{
    stress_files(4, 1);
    stress.options.mode = SMMAP_MODE_STATIC;
    stress.options.limits = SMMAP_LIMITS_HARD;
    stress.options.max_mapped_bytes = 15 * stress.unit;
    stress.options.max_regions = STRESS_FILES - 1;
    stress.options.max_open_files = STRESS_FILES - 2;
    mix_lap(1);
}

/* Files come and go, with fewer handles than threads: handles are closed while others
   read by them. Many windows and few regions, so that most reads go past the windows. */
static void come_and_go(stress_worker_t *worker)
{
    unsigned char *copied = apr_palloc(worker->pool, stress.unit);
    apr_pool_t *pool;

    apr_pool_create(&pool, worker->pool);
    while (stress_more(worker)) {
        const stress_file_t *file = &stress.files[stress_below(worker, STRESS_FILES)];
        smmap_cursor_t *cursor = NULL;
        apr_size_t i;

        if (!stress_went_well(worker,
                              smmap_cursor_open(&cursor, stress.manager, file->path, pool),
                              "open")) {
            continue;
        }
        for (i = stress_below(worker, 12); i > 0; i--) {
            apr_off_t offset = (apr_off_t)stress_below(worker, file->size);
            apr_size_t got = 0;
            apr_size_t size = 1 + stress_below(worker, 64);

            if (stress_below(worker, 4) == 0) {
                worker->moves++;
                stress_went_well(worker, smmap_cursor_use(cursor, offset, 0), "use");
                stress_shows(cursor, file);
            }
            worker->perhaps += 2;
            stress_went_well(worker, smmap_cursor_read(cursor, offset, copied, size, &got),
                             "read");
            stress_same(file, offset, copied, got);
        }
        stress_went_well(worker, smmap_cursor_refresh(cursor), "refresh");
        smmap_cursor_close(cursor);
    }
}

static void handles(void)
{
    stress_files(200, 1);
    stress.options.limits = SMMAP_LIMITS_HARD;
    stress.options.max_mapped_bytes = (stress.threads + 2) * stress.unit;
    stress.options.max_regions = stress.threads + 1;
    stress.options.max_open_files = 2;
    stress_manage();
    /* Each thread pins one region, and waits for a handle that others use. */
    stress_run_watched(come_and_go);
}

const stress_scenario_t stress_mix[] = {
    {"mix-hard", "all calls, hard limits of bytes, regions and handles", mix_hard},
    {"mix-soft", "all calls, soft limits", mix_soft},
    {"mix-static", "all calls, whole files, hard limits", mix_static},
    {"handles", "copying reads by handles that are closed meanwhile", handles},
    {NULL, NULL, NULL}};
