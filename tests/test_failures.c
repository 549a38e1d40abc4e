/*
 * Fail the i-th allocation, the i-th call of the system, i = 1, 2, ..., in a
 * scenario that touches everything, until a run is clean.
 *
 * Whatever fails: each call answers with success or with that error, what was to
 * be made is not half made, no byte is wrong, the counters are the truth, the
 * manager goes on working, and in the end nothing is left.
 */
#include "harness.h"

#include <string.h>

#include "fake_backend.h"
#include "fake_memory.h"

static apr_size_t unit;
static test_file_t one;
static test_file_t two;

/* One run of the scenario. */
typedef struct run_t {
    apr_pool_t *pool;
    smmap_mode_t mode;
    apr_status_t injected; /* the only error that may come */
    apr_size_t failed;     /* calls that answered with it */
    apr_size_t wrong;      /* other errors, wrong bytes, results set by a failed call */
} run_t;

/* 1 for success. `made`: what the call was to set, NULL before it. */
static int done(run_t *run, apr_status_t status, const void *made)
{
    if (status == APR_SUCCESS) {
        return 1;
    }
    run->failed++;
    run->wrong += status != run->injected || made != NULL;
    return 0;
}

/* Move to an offset, or, where `required` is not 0, to so many bytes in one piece. */
static void move(run_t *run, smmap_cursor_t *cursor, const test_file_t *file, apr_off_t offset,
                 apr_size_t required)
{
    apr_status_t status;

    if (cursor == NULL) {
        return;
    }
    status = required != 0 ? smmap_cursor_require(cursor, offset, required)
                           : smmap_cursor_use(cursor, offset, 0);
    if (done(run, status, NULL)) {
        run->wrong += !cursor_shows(cursor, file) || !region_shows(cursor, file);
    } else {
        run->wrong += smmap_cursor_is_valid(cursor) || !smmap_cursor_is_associated(cursor);
    }
}

static smmap_cursor_t *opened(run_t *run, smmap_manager_t *manager, const test_file_t *file,
                              int by_handle)
{
    smmap_cursor_t *cursor = NULL;
    apr_status_t status;

    if (by_handle) {
        apr_os_file_t fd = file_open(file->path);

        status = smmap_cursor_open_handle(&cursor, manager, fd, run->pool);
        file_close(fd);
    } else {
        status = smmap_cursor_open(&cursor, manager, file->path, run->pool);
    }
    done(run, status, cursor);
    return cursor;
}

static void read_buffer(run_t *run, const smmap_cursor_t *cursor)
{
    smmap_buffer_t *buffer = NULL;
    const unsigned char *data = NULL;
    unsigned char *bytes = apr_palloc(run->pool, one.size);
    unsigned char byte = 0;
    apr_size_t got = 0;

    done(run, smmap_buffer_create(&buffer, cursor, 7, SMMAP_TO_END, run->pool), buffer);
    if (buffer == NULL) {
        return;
    }
    done(run, smmap_buffer_read(buffer, 0, bytes, one.size, &got), NULL);
    run->wrong += memcmp(bytes, one.data + 7, got) != 0; /* also what came before an error */
    if (done(run, smmap_buffer_slice(buffer, 2 * (apr_off_t)unit, 9, &data), data)) {
        run->wrong += memcmp(data, one.data + 7 + 2 * unit, 9) != 0;
    }
    if (done(run, smmap_buffer_byte(buffer, -1, &byte), NULL)) {
        run->wrong += byte != one.data[one.size - 1];
    }
    if (!done(run, smmap_buffer_begin_access(buffer, NULL, 3, 5), NULL)) {
        run->wrong += smmap_buffer_size(buffer) != 0;
    }
}

static void play(run_t *run, smmap_manager_t *manager)
{
    smmap_cursor_t *first = opened(run, manager, &one, 0);
    smmap_cursor_t *second = opened(run, manager, &two, 0); /* takes the only handle */
    smmap_cursor_t *third = opened(run, manager, &one, 1);
    smmap_cursor_t *copy = NULL;
    apr_size_t bytes = 0;
    apr_size_t i;

    move(run, third, &one, (apr_off_t)unit - 3, unit + 6);
    smmap_cursor_close(third);
    /* With one handle for two files each of these has to open its file again. */
    for (i = 0; i < 6; i++) {
        move(run, first, &one, (apr_off_t)(i * unit + 1), 0);
        move(run, second, &two, (apr_off_t)(i / 2 * unit), 0);
    }
    move(run, first, &one, (apr_off_t)(3 * unit) - 3, 5);
    if (first != NULL) {
        done(run, smmap_cursor_copy(&copy, first, run->pool), copy);
        done(run, smmap_cursor_refresh(first), NULL);
        if (smmap_cursor_is_valid(first)) {
            done(run, smmap_cursor_resident(first, &bytes), NULL);
        }
        read_buffer(run, first);
    }
    if (copy != NULL && second != NULL) {
        done(run, smmap_cursor_assign(copy, second), NULL);
        move(run, copy, &two, 5, 0);
    }
    done(run, smmap_manager_collect(manager, NULL), NULL);
    move(run, first, &one, 0, 0);
    smmap_cursor_close(first);
    move(run, second, &two, (apr_off_t)two.size - 1, 0);
}

/* After all failures: it works, all of it. */
static void works(run_t *run, smmap_manager_t *manager)
{
    smmap_cursor_t *cursor = NULL;
    apr_off_t offset;

    CHECK_OK(smmap_cursor_open(&cursor, manager, one.path, run->pool));
    for (offset = 0; cursor != NULL && offset < (apr_off_t)one.size;
         offset = smmap_cursor_end(cursor)) {
        NEED_OK(smmap_cursor_use(cursor, offset, 0));
        CHECK(cursor_shows(cursor, &one));
    }
    counts_check();
}

static void play_all(run_t *run)
{
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;
    apr_status_t status;

    NEED_OK(apr_pool_create(&run->pool, test_pool));
    options.mode = run->mode;
    options.window_size = unit;
    options.max_regions = 3;
    options.max_open_files = 1;
    status = smmap_manager_create(&manager, &options, run->pool);
    if (done(run, status, manager)) {
        manager_track(manager, run->pool);
        play(run, manager);
        fake_fail_none();
        fake_memory_fail_none();
        counts_check();
        works(run, manager);
    }
    fake_fail_none();
    fake_memory_fail_none();
    apr_pool_destroy(run->pool);
    CHECK_NUMBER(run->wrong, 0);
    CHECK_NUMBER(fake_memory_blocks(), 0);
    CHECK_NUMBER(fake_memory_bytes(), 0);
    CHECK_NUMBER(fake_memory_pools(), 0);
    CHECK_NUMBER(fake_live_mappings(), 0);
    CHECK_NUMBER(fake_live_handles(), 0);
}

static void begin(void)
{
    unit = smmap_granularity();
    one = file_make("one", 6 * unit + 11);
    two = file_make("two", 3 * unit);
    fake_set_birth(1);
}

/* Returns in how many runs something was failed. */
static apr_size_t fail_memory(smmap_mode_t mode, int forever)
{
    apr_size_t seen = 0;
    apr_size_t i;

    begin();
    for (i = 1;; i++) {
        run_t run = {NULL, mode, APR_ENOMEM, 0, 0};
        apr_size_t before = fake_memory_failed();

        if (forever) {
            fake_memory_fail_from(i);
        } else {
            fake_memory_fail(i);
        }
        play_all(&run);
        if (fake_memory_failed() == before) {
            CHECK_NUMBER(run.failed, 0);
            break;
        }
        seen += run.failed > 0;
        NEED(i < 10000);
    }
    CHECK(seen > 10);
    return i - 1;
}

static apr_size_t fail_calls(fake_call_t call, apr_status_t status, int forever)
{
    apr_size_t i;

    begin();
    for (i = 1;; i++) {
        run_t run = {NULL, i % 5 == 0 ? SMMAP_MODE_STATIC : SMMAP_MODE_SLIDING, status, 0, 0};
        apr_size_t before = fake_failed();

        if (forever) {
            fake_fail_from(call, i, status);
        } else {
            fake_fail(call, i, status);
        }
        play_all(&run);
        /* Runs in static mode are shorter: one of them may be clean before the others are. */
        if (fake_failed() == before && run.mode == SMMAP_MODE_SLIDING) {
            CHECK_NUMBER(run.failed, 0);
            break;
        }
        NEED(i < 10000);
    }
    return i - 1;
}

static void clean(void)
{
    run_t sliding = {NULL, SMMAP_MODE_SLIDING, APR_SUCCESS, 0, 0};
    run_t fixed = {NULL, SMMAP_MODE_STATIC, APR_SUCCESS, 0, 0};

    begin();
    play_all(&sliding);
    CHECK_NUMBER(sliding.failed, 0);
    play_all(&fixed);
    CHECK_NUMBER(fixed.failed, 0);
}

static void memory_once(void)
{
    CHECK(fail_memory(SMMAP_MODE_SLIDING, 0) > 20);
}

static void memory_forever(void)
{
    CHECK(fail_memory(SMMAP_MODE_SLIDING, 1) > 20);
}

static void memory_static_mode(void)
{
    CHECK(fail_memory(SMMAP_MODE_STATIC, 0) > 20);
}

static void maps(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_MAP, APR_ENOMEM, 0) > 10);
    CHECK(fail_calls(FAKE_MAP, APR_ENOMEM, 1) > 10);
    CHECK(fail_calls(FAKE_MAP, APR_EACCES, 0) > 10);
    CHECK(fail_calls(FAKE_MAP, APR_EACCES, 1) > 10);
}

static void unmaps(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_UNMAP, APR_EINVAL, 0) > 3);
    CHECK(fail_calls(FAKE_UNMAP, APR_EINVAL, 1) > 3);
}

static void handles(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_DUP, APR_EMFILE, 0) > 5);
    CHECK(fail_calls(FAKE_DUP, APR_EMFILE, 1) > 5);
    CHECK(fail_calls(FAKE_DUP, APR_EACCES, 0) > 5);
    CHECK(fail_calls(FAKE_DUP, APR_EACCES, 1) > 5);
    CHECK(fail_calls(FAKE_CLOSE, APR_FROM_OS_ERROR(EIO), 0) > 5);
    CHECK(fail_calls(FAKE_CLOSE, APR_FROM_OS_ERROR(EIO), 1) > 5);
}

static void the_rest(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_RESIDENCY, APR_ENOTIMPL, 0) > 0);
    fail_calls(FAKE_BIRTH, APR_FROM_OS_ERROR(EIO), 0);
    fail_calls(FAKE_BIRTH, APR_FROM_OS_ERROR(EIO), 1);
    fail_calls(FAKE_ADVISE, APR_ENOTIMPL, 1);
    fail_calls(FAKE_READ, APR_FROM_OS_ERROR(EIO), 0);
}

static void anything(void)
{
    NEEDS_FAKE();
    CHECK(fail_calls(FAKE_ANY, APR_ENOMEM, 0) > 30);
    CHECK(fail_calls(FAKE_ANY, APR_ENOMEM, 1) > 30);
}

static const test_case_t cases[] = {{"clean", clean},
                                    {"memory_once", memory_once},
                                    {"memory_forever", memory_forever},
                                    {"memory_static_mode", memory_static_mode},
                                    {"maps", maps},
                                    {"unmaps", unmaps},
                                    {"handles", handles},
                                    {"the_rest", the_rest},
                                    {"anything", anything},
                                    {NULL, NULL}};

const test_module_t test_failures = {"failures", cases};
