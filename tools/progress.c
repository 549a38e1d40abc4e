/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The progress bar, and whether to continue at all.
 *
 * The bar appears on a terminal after a second of work, and shows the bytes done of all
 * bytes to do. The sizes are measured before the work starts, and only where a bar can be
 * drawn. A file that grows or shrinks meanwhile makes the bar wrong, nothing else.
 *
 * While there is no bar, ^C ends the program at once. With a bar on the screen it is caught,
 * so that the bar can be erased; the command stops at its next step (see cli/program.c).
 */
#include "tools/progress.h"

#include <signal.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "cli/program.h"
#include "cli/size.h"
#include "cli/utf8.h"

/* When the bar comes up, how often it is drawn, and how long output may wait. */
#define FIRST_DRAW apr_time_from_sec(1)
#define NEXT_DRAW apr_time_from_msec(200)

#define NAME_COLUMNS 20

struct tool_progress_t {
    console_t *console;
    const char *const *paths;
    int count;
    int current;         /* index of the file in work; -1: none yet */
    apr_uint64_t *work;  /* of each file; NULL: no bar can be drawn */
    apr_uint64_t total;  /* of all files */
    apr_uint64_t before; /* of the files before the current one */
    apr_time_t started;
    apr_time_t drawn;   /* when the bar was drawn last; 0: never */
    apr_time_t flushed; /* when output was written out last */
};

tool_progress_t *tool_progress_create(console_t *console, const char *const *paths, int count,
                                      tool_progress_work_t *work, const void *baton,
                                      apr_pool_t *pool)
{
    tool_progress_t *progress = apr_pcalloc(pool, sizeof(*progress));
    apr_pool_t *scratch;
    int i;

    progress->console = console;
    progress->paths = paths;
    progress->count = count;
    progress->current = -1;
    progress->started = apr_time_now();
    if (!console_can_draw(console) || apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        return progress;
    }
    progress->work = apr_pcalloc(pool, (apr_size_t)count * sizeof(*progress->work));
    for (i = 0; i < count; i++) {
        apr_finfo_t info;

        if (apr_stat(&info, paths[i], APR_FINFO_SIZE | APR_FINFO_TYPE, scratch) == APR_SUCCESS &&
            info.filetype == APR_REG) {
            progress->work[i] = work(baton, info.size);
            progress->total += progress->work[i];
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
    return progress;
}

void tool_progress_file(tool_progress_t *progress)
{
    if (progress->work != NULL && progress->current >= 0) {
        progress->before += progress->work[progress->current];
    }
    progress->current++;
}

/* The last part of a path, cut and without anything that a terminal could obey. */
static void shorten_name(const char *path, char *name)
{
    const char *part = apr_filepath_name_get(path);
    apr_size_t bytes = 0;
    int columns;

    for (columns = 0; *part != '\0' && columns < NAME_COLUMNS; columns++) {
        apr_size_t length = utf8_length(part);

        length = length > 0 ? length : 1;
        memcpy(name + bytes, part, length);
        bytes += length;
        part += length;
    }
    name[bytes] = '\0';
    utf8_make_plain(name, "");
}

static void draw(tool_progress_t *progress, apr_uint64_t done, apr_time_t now)
{
    double seconds = (double)(now - progress->started) / (double)APR_USEC_PER_SEC;
    double part;
    char done_text[SIZE_TEXT];
    char total_text[SIZE_TEXT];
    char speed_text[SIZE_TEXT];
    char name[4 * NAME_COLUMNS + 1];
    char behind[256];

    if (done > progress->total) {
        done = progress->total;
    }
    part = progress->total > 0 ? (double)done / (double)progress->total : 0;
    shorten_name(progress->paths[progress->current], name);
    apr_snprintf(behind, sizeof(behind), "%s of %s, %s/s  %s", size_format(done, done_text),
                 size_format(progress->total, total_text),
                 size_format((apr_uint64_t)((double)done / seconds), speed_text), name);
    console_bar(progress->console, part, behind);
}

int tool_progress_at(tool_progress_t *progress, apr_uint64_t done)
{
    apr_time_t now = apr_time_now();

    if (now - progress->flushed >= NEXT_DRAW) {
        console_flush(progress->console);
        progress->flushed = now;
    }
    if (progress->total > 0 && now - progress->started >= FIRST_DRAW &&
        now - progress->drawn >= NEXT_DRAW) {
        apr_uint64_t most = progress->work[progress->current];

        if (progress->drawn == 0) {
            program_catch(SIGINT);
        }
        draw(progress, progress->before + (done < most ? done : most), now);
        progress->drawn = now;
    }
    return !program_interrupted() && console_status(progress->console) == APR_SUCCESS;
}
