/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the library does for an operation. See model.h.
 */
#include "model.h"

#include <fcntl.h>
#include <unistd.h>

model_real_t model_real;

static apr_status_t open_handle(const operation_t *o)
{
    int fd = -1;
    apr_status_t status;

    if (o->choice != 2) {
        fd = open(model_disk_path(o->path), (o->choice == 1 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    }
    status = smmap_cursor_open_handle(&model_real.cursors[o->cursor],
                                      model_real.managers[o->manager], fd,
                                      model_real.pools[o->pool]);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* Arguments that are none. All of them answer APR_EINVAL and change nothing. */
static apr_status_t do_wrong(const operation_t *o)
{
    smmap_manager_t *manager = model_real.managers[o->manager];
    smmap_cursor_t *cursor = model_real.cursors[o->cursor];
    smmap_buffer_t *buffer = o->buffer != NONE ? model_real.buffers[o->buffer] : NULL;
    const unsigned char *data;
    smmap_cursor_t *made;
    smmap_stats_t stats = SMMAP_STATS_INIT;
    apr_size_t number;
    unsigned char byte;

    switch (o->choice % 20) {
    case 0:
        return smmap_manager_create(NULL, NULL, model_real.pools[0]);
    case 1:
        return smmap_manager_create(NULL, NULL, NULL);
    case 2:
        return smmap_manager_collect(NULL, &number);
    case 3:
        stats.struct_size--;
        return smmap_manager_stats(manager, &stats);
    case 4:
        return smmap_cursor_open(&made, manager, "", model_real.pools[0]);
    case 5:
        return smmap_cursor_open(&made, NULL, model_disk_path(0), model_real.pools[0]);
    case 6:
        return smmap_cursor_open_handle(&made, NULL, 0, NULL);
    case 7:
        return smmap_cursor_use(NULL, 0, 0);
    case 8:
        return smmap_cursor_require(NULL, 0, 1);
    case 9:
        return smmap_cursor_read(cursor, 0, NULL, 1, &number);
    case 10:
        return smmap_cursor_read(NULL, 0, &byte, 1, &number);
    case 11:
        return smmap_cursor_copy(NULL, cursor, model_real.pools[0]);
    case 12:
        return smmap_cursor_assign(cursor, NULL);
    case 13:
        return smmap_cursor_refresh(NULL);
    case 14:
        return smmap_cursor_hint(NULL, SMMAP_ACCESS_NORMAL);
    case 15:
        return smmap_buffer_create(NULL, cursor, 0, 1, model_real.pools[0]);
    case 16:
        return smmap_buffer_byte(buffer, 0, NULL);
    case 17:
        return smmap_buffer_read(buffer, 0, NULL, 1, &number);
    case 18:
        return smmap_buffer_slice(buffer, 0, 0, &data);
    default:
        return smmap_buffer_begin_access(NULL, cursor, 0, 1);
    }
}

static apr_status_t create_buffer(const operation_t *o)
{
    smmap_cursor_t *cursor = o->cursor != NONE ? model_real.cursors[o->cursor] : NULL;

    if (o->kind == DO_BUFFER_CREATE) {
        return smmap_buffer_create(&model_real.buffers[o->buffer], cursor, o->offset, o->size,
                                   model_real.pools[o->pool]);
    }
    return smmap_buffer_begin_access(model_real.buffers[o->buffer], cursor, o->offset, o->size);
}

static void give_order(const operation_t *o)
{
    if (o->kind == DO_FAULT_NONE) {
        fake_fail_none();
        model_stat_fail_none();
    } else if (o->choice == CALL_STAT) {
        model_stat_fail(o->which, o->forever, o->status);
    } else if (o->forever) {
        fake_fail_from((fake_call_t)o->choice, o->which, o->status);
    } else {
        fake_fail((fake_call_t)o->choice, o->which, o->status);
    }
}

/* shown: where the bytes are that were got. */
void model_perform(const operation_t *o, outcome_t *seen, const unsigned char **shown)
{
    smmap_cursor_t *cursor =
        o->cursor != NONE && o->cursor < CURSORS ? model_real.cursors[o->cursor] : NULL;
    smmap_buffer_t *buffer = o->buffer != NONE ? model_real.buffers[o->buffer] : NULL;
    apr_size_t size = (apr_size_t)o->size;
    apr_status_t status = APR_SUCCESS;

    seen->number = 0;
    *shown = model_real.scratch;
    switch (o->kind) {
    case DO_CREATE_MANAGER:
        status = smmap_manager_create(&model_real.managers[o->manager], &o->options,
                                      model_real.pools[o->pool]);
        break;
    case DO_DESTROY_MANAGER:
        status = smmap_manager_destroy(model_real.managers[o->manager]);
        break;
    case DO_COLLECT:
        status = smmap_manager_collect(model_real.managers[o->manager], &seen->number);
        break;
    case DO_SET_LIMITS:
        status = smmap_manager_set_limits(model_real.managers[o->manager], &o->options);
        break;
    case DO_OPEN:
        status = smmap_cursor_open(&model_real.cursors[o->cursor], model_real.managers[o->manager],
                                   model_disk_path(o->path), model_real.pools[o->pool]);
        break;
    case DO_OPEN_HANDLE:
        status = open_handle(o);
        break;
    case DO_COPY:
        status = smmap_cursor_copy(&model_real.cursors[o->cursor], model_real.cursors[o->other],
                                   model_real.pools[o->pool]);
        break;
    case DO_ASSIGN:
        status = smmap_cursor_assign(cursor, model_real.cursors[o->other]);
        break;
    case DO_CLOSE:
        smmap_cursor_close(cursor);
        break;
    case DO_RELEASE:
        smmap_cursor_release(cursor);
        break;
    case DO_USE:
        status = smmap_cursor_use(cursor, o->offset, size);
        break;
    case DO_REQUIRE:
        status = smmap_cursor_require(cursor, o->offset, size);
        break;
    case DO_READ:
        status = smmap_cursor_read(cursor, o->offset, model_real.scratch, size, &seen->number);
        break;
    case DO_REFRESH:
        status = smmap_cursor_refresh(cursor);
        break;
    case DO_HINT:
        status = smmap_cursor_hint(cursor, (smmap_access_t)o->choice);
        break;
    case DO_ADVISE:
        status = smmap_cursor_advise(cursor, o->offset, o->size, (smmap_advice_t)o->choice);
        break;
    case DO_BUFFER_CREATE:
    case DO_BUFFER_BEGIN:
        status = create_buffer(o);
        break;
    case DO_BUFFER_END:
        smmap_buffer_end_access(buffer);
        break;
    case DO_BUFFER_BYTE:
        status = smmap_buffer_byte(buffer, o->offset, model_real.scratch);
        seen->number = status == APR_SUCCESS;
        break;
    case DO_BUFFER_READ:
        status = smmap_buffer_read(buffer, o->offset, model_real.scratch, size, &seen->number);
        break;
    case DO_BUFFER_SLICE:
        status = smmap_buffer_slice(buffer, o->offset, size, shown);
        seen->number = status == APR_SUCCESS ? size : 0;
        break;
    case DO_BUFFER_CLOSE:
        smmap_buffer_close(buffer);
        break;
    case DO_CLEAR_POOL:
        apr_pool_clear(model_real.pools[o->pool]);
        break;
    case DO_WRONG:
        status = do_wrong(o);
        break;
    case DO_FAULT:
    case DO_FAULT_NONE:
        give_order(o);
        break;
    case DO_FAULT_ABOVE:
        fake_fail_above(size);
        break;
    case DO_FAULT_TOTAL:
        fake_fail_total(size);
        break;
    case DO_BIRTH:
        fake_set_birth(o->size);
        break;
    default:
        break;
    }
    seen->status = status;
}
