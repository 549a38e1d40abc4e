/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kinds of operations: their names, how often they come, and how one of them reads.
 * See model.h.
 */
#include "model.h"

#include <stdio.h>

/* How many of 256 first bytes stand for each kind. */
static const struct {
    const char *name;
    unsigned weight;
} kinds[KINDS] = {
    {"nothing", 0},        {"manager_create", 4}, {"manager_destroy", 2}, {"collect", 2},
    {"set_limits", 2},     {"open", 14},          {"open_handle", 6},    {"copy", 8},            {"assign", 6},
    {"close", 8},          {"release", 10},       {"use", 56},            {"require", 24},
    {"read", 36},          {"refresh", 6},        {"hint", 3},            {"advise", 4},
    {"look", 1},           {"buffer_create", 3},  {"buffer_begin", 3},    {"buffer_end", 1},
    {"buffer_byte", 5},    {"buffer_read", 7},    {"buffer_slice", 6},    {"buffer_close", 2},
    {"clear_pool", 1},     {"wrong", 1},          {"file_make", 5},       {"file_grow", 4},
    {"file_cut", 3},       {"file_touch", 1},     {"file_delete", 2},     {"file_link", 1},
    {"file_directory", 1}, {"fault", 7},          {"fault_none", 8},      {"fault_above", 1},
    {"fault_total", 1},    {"birth", 1},
};

const char *model_kind_name(int kind)
{
    return kinds[kind].name;
}

unsigned model_kind_weight(int kind)
{
    return kinds[kind].weight;
}

static void print_options(const operation_t *o)
{
    printf(" mode=%d limits=%d window=%lld bytes=%lld regions=%lld files=%lld%s",
           (int)o->options.mode, (int)o->options.limits, (long long)o->options.window_size,
           (long long)o->options.max_mapped_bytes, (long long)o->options.max_regions,
           (long long)o->options.max_open_files,
           o->options.struct_size == sizeof o->options ? "" : " struct_size=?");
}

void model_print(const operation_t *o, int number)
{
    printf("  %4d %-15s", number, kinds[o->kind].name);
    switch (o->kind) {
    case DO_CREATE_MANAGER:
    case DO_SET_LIMITS:
        printf(" m%d", o->manager);
        print_options(o);
        break;
    case DO_DESTROY_MANAGER:
    case DO_COLLECT:
        printf(" m%d", o->manager);
        break;
    case DO_OPEN:
    case DO_OPEN_HANDLE:
        printf(" c%d m%d %c how=%d", o->cursor, o->manager, 'a' + o->path, o->choice);
        break;
    case DO_COPY:
    case DO_ASSIGN:
        printf(" c%d from c%d", o->cursor, o->other);
        break;
    case DO_USE:
    case DO_REQUIRE:
    case DO_READ:
    case DO_ADVISE:
        printf(" c%d offset=%lld size=%lld", o->cursor, (long long)o->offset,
               (long long)o->size);
        break;
    case DO_HINT:
        printf(" c%d access=%d", o->cursor, o->choice);
        break;
    case DO_BUFFER_CREATE:
    case DO_BUFFER_BEGIN:
        printf(" b%d c%d offset=%lld size=%lld", o->buffer, o->cursor, (long long)o->offset,
               (long long)o->size);
        break;
    case DO_BUFFER_BYTE:
    case DO_BUFFER_READ:
    case DO_BUFFER_SLICE:
        printf(" b%d index=%lld size=%lld", o->buffer, (long long)o->offset, (long long)o->size);
        break;
    case DO_BUFFER_END:
    case DO_BUFFER_CLOSE:
        printf(" b%d", o->buffer);
        break;
    case DO_CLEAR_POOL:
        printf(" %d", o->pool);
        break;
    case DO_WRONG:
        printf(" %d", o->choice);
        break;
    case DO_FAULT:
        printf(" call=%d the %d. status=%d%s", o->choice, (int)o->which, (int)o->status,
               o->forever ? " from then on" : "");
        break;
    case DO_FAULT_ABOVE:
    case DO_FAULT_TOTAL:
    case DO_BIRTH:
        printf(" %lld", (long long)o->size);
        break;
    default:
        if (o->kind >= DO_FILE_MAKE && o->kind <= DO_FILE_DIRECTORY) {
            printf(" %c size=%lld other=%c id=%s", 'a' + o->path, (long long)o->size,
                   'a' + o->other_path,
                   o->choice == 3   ? "again, times too"
                   : o->choice & 1 ? "again"
                                   : "new");
        } else if (o->kind != DO_FAULT_NONE && o->kind != DO_LOOK && o->kind != DO_NOTHING) {
            printf(" c%d", o->cursor);
        }
        break;
    }
    if (o->allocation != 0) {
        printf(" and allocation %u fails", o->allocation);
    }
    printf("\n");
    fflush(stdout);
}
