/*
 * The bar, and the wish to stop.
 *
 * The bar is on standard error where that is a terminal. ^C and a request to end are
 * noted, so that what was made is removed and what was measured is shown; the second one
 * ends the program at once.
 */
#include <string.h>

#include <apr_signal.h>
#include <apr_strings.h>

#include "bench/bench.h"

#define BAR_COLUMNS 30
#define NEXT_DRAW apr_time_from_msec(200)

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    apr_signal(number, SIG_DFL);
    interrupted = number;
}

void bench_progress_start(void)
{
    if (apr_signal(SIGINT, on_signal) == SIG_IGN) {
        apr_signal(SIGINT, SIG_IGN); /* who started us does not want ^C to be heard */
    }
    apr_signal(SIGTERM, on_signal);
}

int bench_interrupted(void)
{
    return (int)interrupted;
}

int bench_progress_at(bench_t *bench, const char *what)
{
    apr_time_t now = apr_time_now();

    if (tool_console_can_draw(bench->console) && now - bench->drawn >= NEXT_DRAW) {
        double part = bench->steps > 0 ? (double)bench->done / (double)bench->steps : 0;
        char bar[BAR_COLUMNS + 1];
        char line[128];

        memset(bar, ' ', BAR_COLUMNS);
        memset(bar, '=', (apr_size_t)(part * BAR_COLUMNS));
        bar[BAR_COLUMNS] = '\0';
        apr_snprintf(line, sizeof(line), "%3d %% [%s] %s", (int)(part * 100), bar, what);
        tool_console_draw(bench->console, line);
        bench->drawn = now;
    }
    return !interrupted;
}
