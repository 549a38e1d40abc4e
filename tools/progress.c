/*
 * How far the work is: the bar, and whether to go on at all.
 *
 * The bar comes up on a terminal when the work has taken a second, and shows bytes
 * done of all bytes to do. The sizes are measured before the work starts, and only
 * where a bar can be drawn at all. A file that grows or shrinks meanwhile makes the
 * bar wrong, nothing else.
 *
 * ^C ends the program at once, as the system does it, while there is no bar. With a
 * bar on the screen it is caught, so that the bar can be taken away; the command
 * stops at its next step, and main() then ends by that very signal. The handler
 * takes itself away: when the first ^C is held up, as the reader of our output
 * sleeps, the second one ends the program at once.
 */
#include "progress.h"

#include <signal.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_signal.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "size.h"

/* When the bar comes up, how often it is drawn, and how long output may wait. */
#define FIRST_DRAW apr_time_from_sec(1)
#define NEXT_DRAW apr_time_from_msec(200)

#define NAME_COLUMNS 20
#define BAR_COLUMNS_MAX 40

struct tool_progress_t {
    tool_console_t *console;
    const char *const *paths;
    int count;
    int current;         /* index of the file in work; -1: none yet */
    apr_uint64_t *work;  /* of each file; NULL: no bar can be drawn */
    apr_uint64_t total;  /* of all files */
    apr_uint64_t before; /* of the files before the current one */
    apr_time_t started;
    apr_time_t drawn;   /* when the bar was drawn last; 0: never */
    apr_time_t flushed; /* when output was written out last */
    apr_size_t columns; /* of the terminal, less one */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    apr_signal(signal_number, SIG_DFL);
    interrupted = 1;
}

int tool_progress_interrupted(void)
{
    return interrupted != 0;
}

tool_progress_t *tool_progress_create(tool_console_t *console, const char *const *paths, int count,
                                      tool_progress_work_t *work, const void *baton,
                                      apr_pool_t *pool)
{
    tool_progress_t *progress = apr_pcalloc(pool, sizeof(*progress));
    apr_uint64_t columns = 80;
    char *text = NULL;
    apr_pool_t *scratch;
    int i;

    progress->console = console;
    progress->paths = paths;
    progress->count = count;
    progress->current = -1;
    progress->started = apr_time_now();
    if (!tool_console_can_draw(console) || apr_pool_create(&scratch, pool) != APR_SUCCESS) {
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
    if (apr_env_get(&text, "COLUMNS", pool) == APR_SUCCESS) {
        (void)tool_count_parse(text, 1000, &columns);
    }
    progress->columns = columns < 20 ? 19 : (apr_size_t)columns - 1;
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
    int columns = 0;

    for (; *part != '\0' && bytes < 4 * NAME_COLUMNS - 4; part++) {
        unsigned char byte = (unsigned char)*part;

        columns += (byte & 0xc0) != 0x80;
        if (columns > NAME_COLUMNS) {
            break;
        }
        name[bytes++] = byte < 0x20 || byte == 0x7f ? '?' : *part;
    }
    name[bytes] = '\0';
}

static void draw(tool_progress_t *progress, apr_uint64_t done, apr_time_t now)
{
    double seconds = (double)(now - progress->started) / (double)APR_USEC_PER_SEC;
    double part;
    char done_text[TOOL_SIZE_TEXT];
    char total_text[TOOL_SIZE_TEXT];
    char speed_text[TOOL_SIZE_TEXT];
    char name[4 * NAME_COLUMNS];
    char behind[256];
    char line[256 + BAR_COLUMNS_MAX];
    char bar[BAR_COLUMNS_MAX + 1];
    apr_size_t room;

    if (done > progress->total) {
        done = progress->total;
    }
    part = progress->total > 0 ? (double)done / (double)progress->total : 0;
    shorten_name(progress->paths[progress->current], name);
    apr_snprintf(behind, sizeof(behind), "%s of %s, %s/s  %s", tool_size_format(done, done_text),
                 tool_size_format(progress->total, total_text),
                 tool_size_format((apr_uint64_t)((double)done / seconds), speed_text), name);
    room = strlen("100 % [] ") + strlen(behind);
    room = progress->columns > room ? progress->columns - room : 0;
    if (room > BAR_COLUMNS_MAX) {
        room = BAR_COLUMNS_MAX;
    }
    memset(bar, ' ', room);
    memset(bar, '=', (apr_size_t)((double)room * part));
    bar[room] = '\0';
    apr_snprintf(line, sizeof(line), "%3d %% [%s] %s", (int)(part * 100), bar, behind);
    if (strlen(line) > progress->columns) {
        line[progress->columns] = '\0'; /* a narrow terminal: better cut than wrapped */
    }
    tool_console_draw(progress->console, line);
}

int tool_progress_at(tool_progress_t *progress, apr_uint64_t done)
{
    apr_time_t now = apr_time_now();

    if (now - progress->flushed >= NEXT_DRAW) {
        tool_console_flush(progress->console);
        progress->flushed = now;
    }
    if (progress->total > 0 && now - progress->started >= FIRST_DRAW &&
        now - progress->drawn >= NEXT_DRAW) {
        apr_uint64_t most = progress->work[progress->current];

        if (progress->drawn == 0 && apr_signal(SIGINT, on_interrupt) == SIG_IGN) {
            apr_signal(SIGINT, SIG_IGN); /* who started us does not want ^C to be heard */
        }
        draw(progress, progress->before + (done < most ? done : most), now);
        progress->drawn = now;
    }
    return !interrupted && tool_console_status(progress->console) == APR_SUCCESS;
}
