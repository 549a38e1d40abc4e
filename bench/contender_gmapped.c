/*
 * GLib's GMappedFile: a map of the whole file, as the raw pointer, with another name.
 *
 * This file is compiled twice: for smmap-bench with GLib where there is one, and for
 * the command, which is installed and is not to depend on it. A program without GLib
 * says so where the numbers would be.
 */
#ifdef HAVE_GLIB
#include <glib.h>
#endif

#include "bench/pointer.h"

BENCH_LOOP(bench_loop_gmapped_bytes, bytes, fetch)
BENCH_LOOP(bench_loop_gmapped_random, random, fetch)
BENCH_LOOP(bench_loop_gmapped_stream, stream, extent)
BENCH_LOOP(bench_loop_gmapped_copy, copy, copy)

#ifdef HAVE_GLIB

static int visit(bench_lane_t *lane, const char *path, unsigned char *byte)
{
    GMappedFile *file = g_mapped_file_new(path, FALSE, NULL);

    if (file == NULL) {
        lane->status = APR_EGENERAL;
        return 0;
    }
    *byte = (unsigned char)g_mapped_file_get_contents(file)[0];
    g_mapped_file_unref(file);
    return 1;
}

BENCH_LOOP(bench_loop_gmapped_files, files, visit)

static const char *open_gmapped(bench_side_t *side)
{
    GMappedFile *file;
    int i;

    if (side->job->workload->kind == BENCH_FILES) {
        return NULL;
    }
    file = g_mapped_file_new(side->job->data->path, FALSE, NULL);
    if (file == NULL) {
        return "GLib cannot map the file as a whole";
    }
    side->state = file;
    for (i = 0; i < side->lane_count; i++) {
        side->lanes[i].state = g_mapped_file_get_contents(file);
    }
    return NULL;
}

static void close_gmapped(bench_side_t *side)
{
    if (side->state != NULL) {
        g_mapped_file_unref(side->state);
    }
}

#else

static apr_status_t bench_loop_gmapped_files(bench_lane_t *lane, apr_uint64_t first,
                                             apr_uint64_t count)
{
    (void)lane;
    (void)first;
    (void)count;
    return APR_ENOTIMPL; /* never called: the side does not open */
}

static const char *open_gmapped(bench_side_t *side)
{
    (void)side;
    return "this program was built without GLib";
}

static void close_gmapped(bench_side_t *side)
{
    (void)side;
}

#endif

const bench_contender_t bench_gmapped = {.name = "gmapped",
                                         .title = "GLib GMappedFile",
                                         .threads = 1,
                                         .keeps = 1,
                                         .open = open_gmapped,
                                         .close = close_gmapped,
                                         .extent = extent,
                                         BENCH_DOES(BENCH_BYTES, bench_loop_gmapped_bytes),
                                         BENCH_DOES(BENCH_RANDOM, bench_loop_gmapped_random),
                                         BENCH_DOES(BENCH_STREAM, bench_loop_gmapped_stream),
                                         BENCH_DOES(BENCH_COPY, bench_loop_gmapped_copy),
                                         BENCH_DOES(BENCH_FILES, bench_loop_gmapped_files)};
