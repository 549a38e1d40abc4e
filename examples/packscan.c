/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * packscan [options] PACK: the command. See packscan.h for the parts.
 *
 * It reads a pack of any size in random order with a small, fixed amount of mapped memory. A
 * sliding manager with a hard limit maps windows of the pack and its index, and evicts unused
 * ones. The report at the end shows the manager's statistics, and whether the limit held.
 */
#include "packscan.h"

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_VERIFIED 0
#define EXIT_DAMAGED 1
#define EXIT_FAILED 2

#define MIB ((apr_size_t)1024 * 1024)
#define PRINT_LIMIT 20

typedef enum order_t { ORDER_RANDOM, ORDER_PACK, ORDER_INDEX } order_t;
static const char *const order_names[] = {"random", "pack", "index"};

/* The command line. */
typedef struct settings_t {
    apr_size_t max_memory;
    apr_size_t window_size; /* 0: derived from max_memory */
    apr_size_t base_cache;
    apr_size_t max_object;
    apr_uint64_t seed;
    order_t order;
    int list;
    const char *pack_path;
    const char *index_path;
} settings_t;

static const char help_text[] =
    "Usage: packscan [options] PACK\n"
    "\n"
    "Read a git pack in random order through small memory-mapped windows, resolve all\n"
    "deltas, and compare the SHA-1 of each object with its name in the index. PACK is the\n"
    ".pack or the .idx file; the other one must be in the same directory. Packs of version\n"
    "2 and 3 and indexes of version 1 and 2 are supported, with SHA-1 names.\n"
    "\n"
    "  --max-memory SIZE    maximum number of bytes mapped at a time, a hard limit (8M)\n"
    "  --window-size SIZE   window size (1M, or an eighth of --max-memory if less)\n"
    "  --order ORDER        random, pack (by offset) or index (by name) (random)\n"
    "  --seed N             seed of the random order (1)\n"
    "  --base-cache SIZE    memory for a cache of delta bases (16M)\n"
    "  --max-object SIZE    largest delta, base or result to hold in memory (512M);\n"
    "                       objects that are not deltas may have any size\n"
    "  --verify-list        print what `git verify-pack -v PACK` prints, and the report on\n"
    "                       standard error\n"
    "  --help               print this help\n"
    "  --version            print the versions of libsmmap and zlib\n"
    "\n"
    "SIZE is a number of bytes, with K, M, G or T for powers of 1024.\n"
    "\n"
    "Exit status: 0 all objects verified; 1 damage was found, or an object could not be\n"
    "verified; 2 a usage error, or a file could not be read.\n";

apr_status_t packscan_damaged(packscan_report_t *report, const char *path, const char *format, ...)
{
    report->problems++;
    if (report->problems <= report->print_limit) {
        va_list arguments;

        fprintf(stderr, "packscan: %s: ", path);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    } else if (report->problems == report->print_limit + 1) {
        fprintf(stderr, "packscan: more problems are counted, but not printed\n");
    }
    return PACKSCAN_EDAMAGED;
}

apr_status_t packscan_failed(const char *path, apr_status_t status)
{
    char text[200];

    if (APR_STATUS_IS_EOF(status)) /* the end was further when we began */
        status = SMMAP_ETRUNCATED;
    fprintf(stderr, "packscan: %s: %s\n", path, smmap_strerror(status, text, sizeof(text)));
    return status;
}

static int out_of_memory(int status)
{
    (void)status;
    fprintf(stderr, "packscan: out of memory\n");
    exit(EXIT_FAILED);
}

/* Parse digits; with `suffixes`, one of K, M, G, T may follow. Returns 0 if invalid. */
static int parse_number(const char *text, apr_uint64_t most, int suffixes, apr_uint64_t *number)
{
    static const char letters[] = "KMGT";
    apr_uint64_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        apr_uint64_t digit = (apr_uint64_t)(*at - '0');

        if (value > (most - digit) / 10)
            return 0;
        value = value * 10 + digit;
    }
    if (at == text)
        return 0;
    if (suffixes && *at != '\0') {
        char upper = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        const char *letter = strchr(letters, upper);
        int shift = letter == NULL ? 0 : 10 * (int)(letter - letters + 1);

        if (letter == NULL || value > most >> shift)
            return 0;
        value <<= shift;
        at++;
    }
    *number = value;
    return *at == '\0';
}

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "packscan: %s%s%s (see packscan --help)\n", what, value == NULL ? "" : ": ",
            value == NULL ? "" : value);
    return EXIT_FAILED;
}

/* Parse the size of an option into `size`; 1 or more. Returns an exit status. */
static int take_size(const char *option, const char *text, apr_size_t *size)
{
    apr_uint64_t number;

    /* The largest value of all is SMMAP_UNLIMITED, which is not a limit. */
    if (!parse_number(text, ~(apr_size_t)0 - 1, 1, &number) || number == 0)
        return usage(option, text);
    *size = (apr_size_t)number;
    return EXIT_VERIFIED;
}

static int take_order(const char *text, order_t *order)
{
    int i;

    for (i = ORDER_RANDOM; i <= ORDER_INDEX; i++)
        if (strcmp(text, order_names[i]) == 0) {
            *order = (order_t)i;
            return EXIT_VERIFIED;
        }
    return usage("the order is random, pack or index, not", text);
}

/* Find the pack to an index, or the other way round. */
static int take_path(const char *path, settings_t *settings, apr_pool_t *pool)
{
    apr_size_t length = strlen(path);

    if (length > 5 && strcmp(path + length - 5, ".pack") == 0) {
        settings->pack_path = path;
        settings->index_path =
            apr_pstrcat(pool, apr_pstrmemdup(pool, path, length - 5), ".idx", NULL);
    } else if (length > 4 && strcmp(path + length - 4, ".idx") == 0) {
        settings->index_path = path;
        settings->pack_path =
            apr_pstrcat(pool, apr_pstrmemdup(pool, path, length - 4), ".pack", NULL);
    } else {
        return usage("the name of a pack ends with .pack or .idx", path);
    }
    return EXIT_VERIFIED;
}

/* Read the command line. Returns an exit status, or -1 to go on. */
static int take_options(int argc, const char *const *argv, settings_t *settings, apr_pool_t *pool)
{
    static const apr_getopt_option_t options[] = {
        {"max-memory", 'm', TRUE, NULL},   {"window-size", 'w', TRUE, NULL},
        {"order", 'o', TRUE, NULL},        {"seed", 's', TRUE, NULL},
        {"base-cache", 'c', TRUE, NULL},   {"max-object", 'x', TRUE, NULL},
        {"verify-list", 'l', FALSE, NULL}, {"help", 'h', FALSE, NULL},
        {"version", 'v', FALSE, NULL},     {NULL, 0, 0, NULL}};
    apr_getopt_t *getopt;
    const char *text;
    apr_status_t status;
    int option;
    int code = EXIT_VERIFIED;

    if (apr_getopt_init(&getopt, pool, argc, argv) != APR_SUCCESS)
        return EXIT_FAILED;
    getopt->interleave = 1;
    while (code == EXIT_VERIFIED &&
           (status = apr_getopt_long(getopt, options, &option, &text)) != APR_EOF) {
        if (status != APR_SUCCESS) /* APR has printed what is wrong */
            return usage("bad command line", NULL);
        switch (option) {
        case 'm':
            code = take_size("not a size for --max-memory", text, &settings->max_memory);
            break;
        case 'w':
            code = take_size("not a size for --window-size", text, &settings->window_size);
            break;
        case 'c':
            code = take_size("not a size for --base-cache", text, &settings->base_cache);
            break;
        case 'x':
            code = take_size("not a size for --max-object", text, &settings->max_object);
            break;
        case 'o':
            code = take_order(text, &settings->order);
            break;
        case 's':
            if (!parse_number(text, ~(apr_uint64_t)0, 0, &settings->seed))
                code = usage("not a number for --seed", text);
            break;
        case 'l':
            settings->list = 1;
            break;
        case 'v':
            printf("packscan, libsmmap %s, zlib %s\n", smmap_version(NULL, NULL, NULL),
                   packscan_zlib_version());
            return EXIT_VERIFIED;
        default:
            fputs(help_text, stdout);
            return EXIT_VERIFIED;
        }
    }
    if (code != EXIT_VERIFIED)
        return code;
    if (getopt->ind + 1 != argc)
        return usage(getopt->ind < argc ? "more than one pack is named" : "no pack is named", NULL);
    code = take_path(argv[getopt->ind], settings, pool);
    return code == EXIT_VERIFIED ? -1 : code;
}

/* SplitMix64, a generator of 64-bit numbers (Steele, Lea, Flood; OOPSLA 2014). */
static apr_uint64_t next_random(apr_uint64_t *state)
{
    apr_uint64_t z = *state += APR_UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * APR_UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The ranks of all entries in scan order; NULL if out of memory. */
static apr_uint32_t *make_order(const packscan_pack_t *pack, order_t order, apr_uint64_t seed)
{
    apr_uint32_t *ranks = calloc(pack->count > 0 ? pack->count : 1, sizeof(*ranks));
    apr_uint32_t i;

    if (ranks == NULL)
        return NULL;
    for (i = 0; i < pack->count; i++) {
        if (order == ORDER_INDEX)
            ranks[pack->entries[i].position] = i;
        else
            ranks[i] = i;
    }
    if (order == ORDER_RANDOM) /* Fisher-Yates; the modulo bias does not matter here */
        for (i = pack->count; i > 1; i--) {
            apr_uint32_t other = (apr_uint32_t)(next_random(&seed) % i);
            apr_uint32_t rank = ranks[i - 1];

            ranks[i - 1] = ranks[other];
            ranks[other] = rank;
        }
    return ranks;
}

/* Verify all objects in the chosen order. */
static apr_status_t verify_all(packscan_scan_t *scan, const settings_t *settings)
{
    apr_uint32_t *ranks = make_order(scan->pack, settings->order, settings->seed);
    apr_status_t status = APR_SUCCESS;
    apr_uint32_t i;

    if (ranks == NULL)
        return packscan_failed(settings->pack_path, APR_ENOMEM);
    for (i = 0; status == APR_SUCCESS && i < scan->pack->count; i++)
        status = packscan_verify(scan, ranks[i]);
    smmap_cursor_release(scan->pack->cursor);
    free(ranks);
    return status;
}

int main(int argc, const char *const *argv)
{
    settings_t settings = {8 * MIB, 0, 16 * MIB, 512 * MIB, 1, ORDER_RANDOM, 0, NULL, NULL};
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    packscan_report_t report = {0, PRINT_LIMIT};
    packscan_index_t index;
    packscan_pack_t pack;
    packscan_scan_t scan;
    smmap_manager_t *manager;
    apr_pool_t *pool;
    apr_time_t start;
    apr_status_t status;
    int held = 1;
    int code;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS)
        return EXIT_FAILED;
    atexit(apr_terminate);
    if (apr_pool_create_ex(&pool, NULL, out_of_memory, NULL) != APR_SUCCESS)
        return EXIT_FAILED;
    code = take_options(argc, argv, &settings, pool);
    if (code >= 0)
        return packscan_flush(code);

    start = apr_time_now();
    options.mode = SMMAP_MODE_SLIDING;
    options.limits = SMMAP_LIMITS_HARD;
    options.max_mapped_bytes = settings.max_memory;
    options.window_size = settings.window_size;
    if (settings.window_size == 0 && settings.max_memory > 8 * MIB)
        options.window_size = MIB; /* else the manager uses an eighth */
    options.guard = SMMAP_GUARD_STRICT; /* packs are moved, and disks fail, while we read */
    status = smmap_manager_create(&manager, &options, pool);
    if (APR_STATUS_IS_ENOTIMPL(status)) {
        options.guard = SMMAP_GUARD_OFF;
        status = smmap_manager_create(&manager, &options, pool);
    }
    if (status != APR_SUCCESS) {
        (void)packscan_failed("--max-memory and --window-size", status);
        return EXIT_FAILED;
    }
    memset(&scan, 0, sizeof(scan));
    scan.index = &index;
    scan.pack = &pack;
    scan.report = &report;
    scan.max_object = settings.max_object;
    packscan_cache_init(&scan.cache, settings.base_cache, pool);
    status = packscan_index_open(&index, manager, settings.index_path, &report, pool);
    if (status == APR_SUCCESS)
        status = packscan_pack_open(&pack, &index, manager, settings.pack_path, &report, pool);
    if (status == APR_SUCCESS)
        status = verify_all(&scan, &settings);
    packscan_cache_clear(&scan.cache);
    if (status == APR_SUCCESS && settings.list)
        status = packscan_print_list(&scan);
    if (status == APR_SUCCESS)
        held = packscan_print_report(&scan, manager, settings.list ? stderr : stdout,
                                     apr_time_now() - start);
    code = EXIT_VERIFIED;
    if (report.problems > 0)
        code = EXIT_DAMAGED;
    if ((status != APR_SUCCESS && status != PACKSCAN_EDAMAGED) || !held)
        code = EXIT_FAILED;
    apr_pool_destroy(pool);
    return packscan_flush(code);
}
