/*
 * The slot table: what is set is found, at any index, and a table costs what its
 * touched parts need.
 */
#include "tests/support/harness.h"

#include "core/base/slots.h"
#include "tests/fake/memory.h"

static char things[64];

static const void *thing(apr_uint64_t index)
{
    return &things[index % sizeof things];
}

/* What stands at an index; 0 for nothing, and where there is no word. */
static uintptr_t at(const smmap__slots_t *slots, apr_uint64_t index)
{
    const smmap__word_t *word = smmap__slots_find(slots, index);

    return word != NULL ? smmap__load(word) : 0;
}

static void put(smmap__slots_t *slots, apr_uint64_t index, const void *value)
{
    smmap__store(smmap__slots_find(slots, index), (uintptr_t)value);
}

static void empty_table(void)
{
    const apr_uint64_t counts[] = {0, 1, 2, 64, 65, 1000000, (apr_uint64_t)1 << 51};
    apr_size_t i;

    for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        smmap__slots_t slots;

        smmap__slots_init(&slots, counts[i]);
        CHECK(at(&slots, 0) == 0);
        CHECK(at(&slots, 1) == 0);
        CHECK(at(&slots, ~(apr_uint64_t)0) == 0);
        CHECK_NUMBER(fake_memory_blocks(), 0);
        smmap__slots_destroy(&slots);
    }
}

static void one_slot(void)
{
    smmap__slots_t slots;

    smmap__slots_init(&slots, 1);
    CHECK_OK(smmap__slots_prepare(&slots, 0));
    put(&slots, 0, things);
    CHECK(at(&slots, 0) == (uintptr_t)things);
    CHECK_STATUS(smmap__slots_prepare(&slots, 1), APR_EINVAL);
    CHECK(at(&slots, 1) == 0);
    CHECK_NUMBER(fake_memory_blocks(), 0);
    smmap__slots_destroy(&slots);
}

/* Every index, in a random order, in tables made for as many, fewer and more. */
static void all_indexes(void)
{
    const apr_uint64_t made_for[] = {2, 100, 5000, 1000000};
    enum { COUNT = 5000 };
    apr_uint64_t order[COUNT];
    apr_size_t table;
    apr_size_t i;

    for (table = 0; table < sizeof made_for / sizeof made_for[0]; table++) {
        smmap__slots_t slots;

        for (i = 0; i < COUNT; i++) {
            apr_size_t other = (apr_size_t)random_below(i + 1);

            order[i] = order[other];
            order[other] = i;
        }
        smmap__slots_init(&slots, made_for[table]);
        for (i = 0; i < COUNT; i++) {
            CHECK(at(&slots, order[i]) == 0);
            NEED_OK(smmap__slots_prepare(&slots, order[i]));
            put(&slots, order[i], thing(order[i]));
        }
        for (i = 0; i < COUNT; i++) {
            CHECK(at(&slots, i) == (uintptr_t)thing(i));
        }
        put(&slots, 17, NULL);
        CHECK(at(&slots, 17) == 0);
        CHECK(at(&slots, 18) == (uintptr_t)thing(18));
        smmap__slots_destroy(&slots);
        CHECK_NUMBER(fake_memory_blocks(), 0);
    }
}

/* 16 TiB in windows of 64 KiB, one of them touched at either end: a flat table
   would take 2 GiB. */
static void sparse(void)
{
    const apr_uint64_t windows = (apr_uint64_t)1 << 28;
    smmap__slots_t slots;

    smmap__slots_init(&slots, windows);
    NEED_OK(smmap__slots_prepare(&slots, 0));
    NEED_OK(smmap__slots_prepare(&slots, windows - 1));
    put(&slots, windows - 1, things);
    CHECK(at(&slots, windows - 1) == (uintptr_t)things);
    CHECK(at(&slots, windows - 2) == 0);
    CHECK(at(&slots, windows) == 0);
    CHECK(fake_memory_bytes() < 64 * 1024);
    smmap__slots_destroy(&slots);
}

static void out_of_memory(void)
{
    smmap__slots_t slots;

    smmap__slots_init(&slots, 100000);
    NEED_OK(smmap__slots_prepare(&slots, 0));
    put(&slots, 0, things);
    /* No root can be that large: refused, not attempted. */
    CHECK_STATUS(smmap__slots_prepare(&slots, ~(apr_uint64_t)0), APR_ENOMEM);
    fake_memory_fail(1); /* the root cannot grow */
    CHECK_STATUS(smmap__slots_prepare(&slots, 90000), APR_ENOMEM);
    fake_memory_fail(2); /* it can, but there is no branch */
    CHECK_STATUS(smmap__slots_prepare(&slots, 90000), APR_ENOMEM);
    fake_memory_fail(2); /* there is one, but no leaf */
    CHECK_STATUS(smmap__slots_prepare(&slots, 90000), APR_ENOMEM);
    fake_memory_fail_none();
    CHECK(at(&slots, 0) == (uintptr_t)things);
    CHECK(at(&slots, 90000) == 0);
    CHECK_OK(smmap__slots_prepare(&slots, 90000));
    smmap__slots_destroy(&slots);
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

static const test_case_t cases[] = {{"empty_table", empty_table},
                                    {"one_slot", one_slot},
                                    {"all_indexes", all_indexes},
                                    {"sparse", sparse},
                                    {"out_of_memory", out_of_memory},
                                    {NULL, NULL}};

const test_module_t test_slots = {"slots", cases};
