/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pure arithmetic on ranges of a file, and the facts of the machine.
 *
 * Invariant: no sum is computed before it is known to fit, and a window that is
 * handed in is changed only when the whole operation succeeds. Offsets are
 * signed in APR; "the largest offset" is the largest positive apr_off_t.
 */
#include "core/base/base.h"

#include "smmap/window.h"

/* Two numbers that are not negative: is their sum an offset? */
static int sum_fits(apr_off_t a, apr_off_t b)
{
    return a <= SMMAP__OFFSET_MAX - b;
}

static int is_window(const smmap_window_t *window)
{
    return window != NULL && window->offset >= 0 && window->size >= 0 &&
           sum_fits(window->offset, window->size);
}

apr_size_t smmap_granularity(void)
{
    smmap__os_info_t info;

    smmap__os_info(&info);
    return info.granularity;
}

apr_size_t smmap_page_size(void)
{
    smmap__os_info_t info;

    smmap__os_info(&info);
    return info.page_size;
}

int smmap_is_64bit(void)
{
    smmap__os_info_t info;

    smmap__os_info(&info);
    return info.address_bits == 64;
}

apr_off_t smmap_align_down(apr_off_t value, apr_size_t granularity)
{
    if (value < 0 || granularity == 0) {
        return -1;
    }
    return value - (apr_off_t)((apr_uint64_t)value % granularity);
}

apr_off_t smmap_align_up(apr_off_t value, apr_size_t granularity)
{
    apr_uint64_t past;
    apr_uint64_t missing;

    if (value < 0 || granularity == 0) {
        return -1;
    }
    past = (apr_uint64_t)value % granularity;
    if (past == 0) {
        return value;
    }
    missing = granularity - past;
    if (missing > (apr_uint64_t)(SMMAP__OFFSET_MAX - value)) {
        return -1;
    }
    return value + (apr_off_t)missing;
}

apr_off_t smmap_window_end(const smmap_window_t *window)
{
    return is_window(window) ? window->offset + window->size : -1;
}

apr_status_t smmap_window_align(smmap_window_t *window, apr_size_t granularity)
{
    apr_off_t begin;
    apr_off_t size;

    if (!is_window(window) || granularity == 0) {
        return APR_EINVAL;
    }
    begin = smmap_align_down(window->offset, granularity);
    /* The old end fits, so offset - begin + size does too. */
    size = smmap_align_up(window->offset - begin + window->size, granularity);
    if (size < 0 || !sum_fits(begin, size)) {
        return APR_EINVAL;
    }
    window->offset = begin;
    window->size = size;
    return APR_SUCCESS;
}

/* How much a window may grow into a gap. A window that is larger than `max_size`
   already stays as it is: extending never takes away. */
static apr_off_t growth(const smmap_window_t *window, apr_off_t gap, apr_off_t max_size)
{
    apr_off_t room = max_size > window->size ? max_size - window->size : 0;

    return gap < room ? gap : room;
}

apr_status_t smmap_window_extend_left(smmap_window_t *window, const smmap_window_t *left,
                                      apr_off_t max_size)
{
    apr_off_t more;

    if (!is_window(window) || !is_window(left) || max_size < 0 ||
        left->offset + left->size > window->offset) {
        return APR_EINVAL;
    }
    more = growth(window, window->offset - (left->offset + left->size), max_size);
    window->offset -= more;
    window->size += more;
    return APR_SUCCESS;
}

apr_status_t smmap_window_extend_right(smmap_window_t *window, const smmap_window_t *right,
                                       apr_off_t max_size)
{
    if (!is_window(window) || !is_window(right) || max_size < 0 ||
        window->offset + window->size > right->offset) {
        return APR_EINVAL;
    }
    window->size += growth(window, right->offset - (window->offset + window->size), max_size);
    return APR_SUCCESS;
}
