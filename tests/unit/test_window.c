/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * window.h: the arithmetic of windows, by table and by property, and the facts
 * of the machine.
 *
 * The properties are checked with random windows from all magnitudes, against
 * sums that are made in unsigned 64-bit numbers, where they cannot overflow.
 */
#include "tests/support/harness.h"

#include <string.h>

static smmap_window_t window(apr_off_t offset, apr_off_t size)
{
    smmap_window_t made;

    made.offset = offset;
    made.size = size;
    return made;
}

static int is(const smmap_window_t *got, apr_off_t offset, apr_off_t size)
{
    return got->offset == offset && got->size == size;
}

/* A number of a random magnitude: small ones and the largest are all likely. */
static apr_off_t random_offset(void)
{
    return (apr_off_t)(random_number() >> (1 + random_below(63)));
}

static apr_size_t random_granularity(void)
{
    switch (random_below(4)) {
    case 0:
        return (apr_size_t)1 << random_below(8 * sizeof(apr_size_t));
    case 1:
        return smmap_granularity();
    case 2:
        return (apr_size_t)random_below(100) + 1;
    default:
        return (apr_size_t)(random_number() >> random_below(64)) | 1;
    }
}

static void facts(void)
{
    apr_size_t granularity = smmap_granularity();
    apr_size_t page = smmap_page_size();

    CHECK(page >= 512 && (page & (page - 1)) == 0);
    CHECK(granularity >= page && granularity % page == 0);
    CHECK((granularity & (granularity - 1)) == 0);
    CHECK_NUMBER(smmap_granularity(), granularity);
    CHECK_NUMBER(smmap_is_64bit(), sizeof(void *) == 8);
}

static void align_table(void)
{
    CHECK_NUMBER(smmap_align_down(0, 4096), 0);
    CHECK_NUMBER(smmap_align_down(1, 4096), 0);
    CHECK_NUMBER(smmap_align_down(4095, 4096), 0);
    CHECK_NUMBER(smmap_align_down(4096, 4096), 4096);
    CHECK_NUMBER(smmap_align_down(4097, 4096), 4096);
    CHECK_NUMBER(smmap_align_down(29, 10), 20);
    CHECK_NUMBER(smmap_align_up(0, 4096), 0);
    CHECK_NUMBER(smmap_align_up(1, 4096), 4096);
    CHECK_NUMBER(smmap_align_up(4096, 4096), 4096);
    CHECK_NUMBER(smmap_align_up(4097, 4096), 8192);
    CHECK_NUMBER(smmap_align_up(21, 10), 30);
    CHECK_NUMBER(smmap_align_up(7, 1), 7);
}

static void align_edges(void)
{
    CHECK_NUMBER(smmap_align_down(OFFSET_MAX, 1), OFFSET_MAX);
    CHECK_NUMBER(smmap_align_down(OFFSET_MAX, 4096), OFFSET_MAX - 4095);
    CHECK_NUMBER(smmap_align_up(OFFSET_MAX, 1), OFFSET_MAX);
    CHECK_NUMBER(smmap_align_up(OFFSET_MAX, 4096), -1);
    CHECK_NUMBER(smmap_align_up(OFFSET_MAX - 4095, 4096), OFFSET_MAX - 4095);
    CHECK_NUMBER(smmap_align_up(OFFSET_MAX - 4094, 4096), -1);
    CHECK_NUMBER(smmap_align_down(5, SIZE_MAX_), 0);
    CHECK_NUMBER(smmap_align_up(0, SIZE_MAX_), 0);
    if (sizeof(apr_size_t) == 8) {
        CHECK_NUMBER(smmap_align_up(1, SIZE_MAX_), -1);
        CHECK_NUMBER(smmap_align_down(OFFSET_MAX, SIZE_MAX_), 0);
    } else {
        CHECK_NUMBER(smmap_align_up(1, SIZE_MAX_), (apr_off_t)SIZE_MAX_);
    }
    /* Bad input. */
    CHECK_NUMBER(smmap_align_down(5, 0), -1);
    CHECK_NUMBER(smmap_align_up(5, 0), -1);
    CHECK_NUMBER(smmap_align_down(-1, 4096), -1);
    CHECK_NUMBER(smmap_align_up(-1, 4096), -1);
    CHECK_NUMBER(smmap_align_up(-OFFSET_MAX - 1, 4096), -1);
    CHECK_NUMBER(smmap_align_down(-OFFSET_MAX - 1, 4096), -1);
}

static void align_properties(void)
{
    apr_size_t rounds = test_count(20000);
    apr_size_t bad = 0;
    apr_size_t i;

    for (i = 0; i < rounds; i++) {
        apr_off_t value = random_offset();
        apr_size_t granularity = random_granularity();
        apr_off_t down = smmap_align_down(value, granularity);
        apr_off_t up = smmap_align_up(value, granularity);
        apr_uint64_t next = (apr_uint64_t)down + granularity;

        bad += down < 0 || down > value || (apr_uint64_t)down % granularity != 0;
        bad += (apr_uint64_t)value - (apr_uint64_t)down >= granularity;
        if (down == value) {
            bad += up != value;
        } else if (next < (apr_uint64_t)down || next > (apr_uint64_t)OFFSET_MAX) {
            bad += up != -1;
        } else {
            bad += (apr_uint64_t)up != next;
        }
        bad += smmap_align_down(down, granularity) != down;
        bad += up >= 0 && smmap_align_up(up, granularity) != up;
    }
    CHECK_NUMBER(bad, 0);
}

static void window_end(void)
{
    smmap_window_t one = window(10, 5);

    CHECK_NUMBER(smmap_window_end(&one), 15);
    one = window(0, 0);
    CHECK_NUMBER(smmap_window_end(&one), 0);
    one = window(OFFSET_MAX, 0);
    CHECK_NUMBER(smmap_window_end(&one), OFFSET_MAX);
    one = window(OFFSET_MAX - 7, 7);
    CHECK_NUMBER(smmap_window_end(&one), OFFSET_MAX);
    one = window(OFFSET_MAX - 7, 8);
    CHECK_NUMBER(smmap_window_end(&one), -1);
    one = window(OFFSET_MAX, OFFSET_MAX);
    CHECK_NUMBER(smmap_window_end(&one), -1);
    one = window(-1, 8);
    CHECK_NUMBER(smmap_window_end(&one), -1);
    one = window(8, -1);
    CHECK_NUMBER(smmap_window_end(&one), -1);
    CHECK_NUMBER(smmap_window_end(NULL), -1);
}

/* The walk through extend and align of the Python package's test, step by step. */
static void neighbours(void)
{
    smmap_window_t left = window(0, 1);
    smmap_window_t center = window(1, 1);
    smmap_window_t second = window(10, 5);
    smmap_window_t right = window(8000, 50);
    apr_off_t granularity = (apr_off_t)smmap_granularity();

    CHECK_NUMBER(smmap_window_end(&left), 1);
    CHECK_NUMBER(smmap_window_end(&center), 2);
    CHECK_NUMBER(smmap_window_end(&right), 8050);

    /* They touch already. */
    CHECK_OK(smmap_window_extend_left(&center, &left, 100));
    CHECK(is(&center, 1, 1));
    CHECK_OK(smmap_window_extend_right(&left, &center, 100));
    CHECK_OK(smmap_window_extend_right(&left, &center, 100));
    CHECK(is(&left, 0, 1));

    /* Up to the neighbour on the left. */
    CHECK_OK(smmap_window_extend_left(&second, &center, 100));
    CHECK(is(&second, 2, 13));

    /* As far as the largest size allows, and not farther the second time. */
    CHECK_OK(smmap_window_extend_right(&center, &right, 100));
    CHECK(is(&center, 1, 100));
    CHECK_OK(smmap_window_extend_right(&center, &right, 100));
    CHECK(is(&center, 1, 100));

    /* Without one. */
    CHECK_OK(smmap_window_extend_right(&center, &right, OFFSET_MAX));
    CHECK(is(&center, 1, 7999));

    CHECK_OK(smmap_window_extend_left(&right, &second, 100));
    CHECK_OK(smmap_window_extend_left(&right, &second, 100));
    CHECK(is(&right, 7950, 100));
    CHECK_OK(smmap_window_extend_left(&right, &second, OFFSET_MAX));
    CHECK(is(&right, 15, 8035));

    CHECK_OK(smmap_window_align(&center, (apr_size_t)granularity));
    CHECK(is(&center, 0, (8000 + granularity - 1) / granularity * granularity));
    center = window(1, 1);
    CHECK_OK(smmap_window_align(&center, (apr_size_t)granularity));
    CHECK(is(&center, 0, granularity));
}

static void never_shrinks(void)
{
    smmap_window_t left = window(0, 10);
    smmap_window_t right = window(1000, 10);
    smmap_window_t large = window(100, 500);

    CHECK_OK(smmap_window_extend_left(&large, &left, 300));
    CHECK(is(&large, 100, 500));
    CHECK_OK(smmap_window_extend_right(&large, &right, 300));
    CHECK(is(&large, 100, 500));
    CHECK_OK(smmap_window_extend_right(&large, &right, 0));
    CHECK(is(&large, 100, 500));
}

static void align_of_windows(void)
{
    smmap_window_t one = window(4097, 1);

    CHECK_OK(smmap_window_align(&one, 4096));
    CHECK(is(&one, 4096, 4096));
    one = window(4095, 2);
    CHECK_OK(smmap_window_align(&one, 4096));
    CHECK(is(&one, 0, 8192));
    one = window(25, 10);
    CHECK_OK(smmap_window_align(&one, 10));
    CHECK(is(&one, 20, 20));
    one = window(3, 0);
    CHECK_OK(smmap_window_align(&one, 1));
    CHECK(is(&one, 3, 0));
    /* The end would lie behind the largest offset. */
    one = window(OFFSET_MAX - 1, 1);
    CHECK_STATUS(smmap_window_align(&one, 4096), APR_EINVAL);
    CHECK(is(&one, OFFSET_MAX - 1, 1));
    one = window(1, OFFSET_MAX - 1);
    CHECK_STATUS(smmap_window_align(&one, 4096), APR_EINVAL);
    CHECK(is(&one, 1, OFFSET_MAX - 1));
}

static void bad_input(void)
{
    smmap_window_t good = window(100, 10);
    smmap_window_t one = good;
    smmap_window_t overlapping = window(105, 10);
    smmap_window_t before = window(95, 6);
    smmap_window_t negative = window(-5, 2);
    smmap_window_t too_large = window(OFFSET_MAX, 2);

    CHECK_STATUS(smmap_window_align(NULL, 4096), APR_EINVAL);
    CHECK_STATUS(smmap_window_align(&one, 0), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_left(NULL, &good, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_left(&one, NULL, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_right(NULL, &good, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_right(&one, NULL, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_right(&one, &overlapping, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_left(&one, &overlapping, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_left(&one, &before, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_right(&one, &before, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_left(&one, &negative, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_right(&one, &too_large, 10), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_right(&one, &overlapping, -1), APR_EINVAL);
    overlapping.offset = 200;
    CHECK_STATUS(smmap_window_extend_right(&one, &overlapping, -1), APR_EINVAL);
    CHECK_STATUS(smmap_window_extend_left(&overlapping, &one, -1), APR_EINVAL);
    CHECK(is(&one, good.offset, good.size));
    CHECK(is(&overlapping, 200, 10));
    CHECK_STATUS(smmap_window_align(&negative, 4096), APR_EINVAL);
    CHECK(is(&negative, -5, 2));
    CHECK_STATUS(smmap_window_align(&too_large, 1), APR_EINVAL);
    CHECK(is(&too_large, OFFSET_MAX, 2));
}

static void align_window_properties(void)
{
    apr_size_t rounds = test_count(20000);
    apr_size_t done = 0;
    apr_size_t bad = 0;
    apr_size_t i;

    for (i = 0; i < rounds; i++) {
        apr_size_t granularity = random_granularity();
        smmap_window_t before = window(random_offset(), random_offset());
        smmap_window_t after = before;
        smmap_window_t again;
        apr_uint64_t end = (apr_uint64_t)before.offset + (apr_uint64_t)before.size;

        if (smmap_window_align(&after, granularity) != APR_SUCCESS) {
            /* Then nothing has changed, and the aligned end is not an offset. */
            bad += !is(&after, before.offset, before.size);
            bad += end <= (apr_uint64_t)OFFSET_MAX &&
                   smmap_align_up((apr_off_t)end, granularity) > 0;
            continue;
        }
        done++;
        bad += after.offset > before.offset || smmap_window_end(&after) < (apr_off_t)end;
        bad += (apr_uint64_t)after.offset % granularity != 0;
        bad += (apr_uint64_t)after.size % granularity != 0;
        /* No larger than it must be: less than a granule on each side. */
        bad += (apr_uint64_t)(before.offset - after.offset) >= granularity;
        bad += (apr_uint64_t)smmap_window_end(&after) - end >= granularity;
        again = after;
        bad += smmap_window_align(&again, granularity) != APR_SUCCESS;
        bad += !is(&again, after.offset, after.size);
    }
    CHECK_NUMBER(bad, 0);
    CHECK(done > rounds / 8);
}

static void extend_properties(void)
{
    apr_size_t rounds = test_count(20000);
    apr_size_t bad = 0;
    apr_size_t i;

    for (i = 0; i < rounds; i++) {
        /* Three windows side by side, with gaps that may be empty. */
        smmap_window_t left = window(random_offset() / 8, random_offset() / 8);
        smmap_window_t middle =
            window(smmap_window_end(&left) + random_offset() / 8, random_offset() / 8);
        smmap_window_t right =
            window(smmap_window_end(&middle) + random_offset() / 8, random_offset() / 8);
        apr_off_t most = random_offset();
        apr_off_t limit = most > middle.size ? most : middle.size;
        apr_off_t gap;
        smmap_window_t grown = middle;

        bad += smmap_window_extend_left(&grown, &left, most) != APR_SUCCESS;
        bad += smmap_window_end(&grown) != smmap_window_end(&middle);
        bad += grown.size < middle.size || grown.size > limit;
        bad += grown.offset < smmap_window_end(&left);
        /* As far as it goes: it touches the neighbour, or has its largest size. */
        gap = grown.offset - smmap_window_end(&left);
        bad += gap != 0 && grown.size != limit;

        grown = middle;
        bad += smmap_window_extend_right(&grown, &right, most) != APR_SUCCESS;
        bad += grown.offset != middle.offset;
        bad += grown.size < middle.size || grown.size > limit;
        bad += smmap_window_end(&grown) > right.offset;
        gap = right.offset - smmap_window_end(&grown);
        bad += gap != 0 && grown.size != limit;

        /* Windows on the wrong side are refused, unless both are empty there. */
        grown = middle;
        if (smmap_window_end(&right) > middle.offset) {
            bad += smmap_window_extend_left(&grown, &right, most) != APR_EINVAL;
        }
        if (smmap_window_end(&middle) > left.offset) {
            bad += smmap_window_extend_right(&grown, &left, most) != APR_EINVAL;
        }
        bad += !is(&grown, middle.offset, middle.size);
    }
    CHECK_NUMBER(bad, 0);
}

static const test_case_t cases[] = {{"facts", facts},
                                    {"align_table", align_table},
                                    {"align_edges", align_edges},
                                    {"align_properties", align_properties},
                                    {"window_end", window_end},
                                    {"neighbours", neighbours},
                                    {"never_shrinks", never_shrinks},
                                    {"align_of_windows", align_of_windows},
                                    {"bad_input", bad_input},
                                    {"align_window_properties", align_window_properties},
                                    {"extend_properties", extend_properties},
                                    {NULL, NULL}};

const test_module_t test_window = {"window", cases};
