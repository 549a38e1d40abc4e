/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of the targets. Both programs have one, so it knows numbers and words alone.
 * A bound is compared with the number as it was measured, not as it is printed.
 */
#include <apr_strings.h>

#include "bench/report/report.h"

static int is_met(const target_t *target)
{
    return target->at_least ? target->measured >= target->bound : target->measured <= target->bound;
}

static const char *verdict(const target_t *target)
{
    return target->measured <= 0 ? "not measured" : is_met(target) ? "met" : "missed";
}

void target_print(const target_t *targets, int count, console_t *console)
{
    int i;

    if (count == 0) {
        return;
    }
    console_printf(console, "\nTargets\n  %-58s %11s %9s\n", "", "target", "measured");
    for (i = 0; i < count; i++) {
        const target_t *target = &targets[i];

        console_printf(console, "  %-58s %s %7.2f ", target->what,
                       target->at_least ? ">=" : "<=", target->bound);
        if (target->measured > 0) {
            console_printf(console, "%9.2f  ", target->measured);
        } else {
            console_printf(console, "%9s  ", "-");
        }
        console_printf(console, "%s", verdict(target));
        if (target->where != NULL) {
            console_printf(console, " (%s)", target->where);
        }
        console_printf(console, "\n");
    }
}

const char *target_markdown(const target_t *targets, int count, apr_pool_t *pool)
{
    const char *text = "| | target | measured | |\n| --- | ---: | ---: | --- |\n";
    int i;

    for (i = 0; i < count; i++) {
        const target_t *target = &targets[i];

        text = apr_psprintf(
            pool, "%s| %s | %s %.2f | %s | %s%s%s%s |\n", text, target->what,
            target->at_least ? "at least" : "at most", target->bound,
            target->measured > 0 ? apr_psprintf(pool, "%.2f", target->measured) : "-",
            verdict(target), target->where != NULL ? " (" : "",
            target->where != NULL ? target->where : "", target->where != NULL ? ")" : "");
    }
    return count == 0 ? "" : text;
}
