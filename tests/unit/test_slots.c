/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slot tables: what is set is found, at any index; what is beyond a file's first words costs
 * no more than the limits allow, and is not taken for another window's.
 */
#include "tests/support/harness.h"

#include "core/base/slots.h"
#include "tests/fake/memory.h"

enum { WAYS = 4, SETS_LEAST = 64 }; /* of the shared table */

static char things[64];

static uintptr_t thing(apr_uint64_t index)
{
    return (uintptr_t)&things[index % sizeof things];
}

static void table_make(smmap__slots_t *slots, apr_uint64_t count, smmap__shared_t *shared,
                       apr_uint64_t owner)
{
    smmap__slots_init(slots, count, shared);
    slots->owner = owner;
}

/* What stands at an index; 0 for nothing, and where there is no word. */
static uintptr_t at(const smmap__slots_t *slots, apr_uint64_t index)
{
    const smmap__word_t *word = smmap__slots_find(slots, index);

    return word != NULL ? smmap__load(word) : 0;
}

/* 0: there is no word for it. */
static int put(smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__word_t *word;

    NEED_OK(smmap__slots_prepare(slots, index));
    word = smmap__slots_take(slots, index);
    if (word == NULL) {
        return 0;
    }
    CHECK(smmap__load(word) == 0);
    smmap__store(word, thing(index));
    CHECK(smmap__slots_find(slots, index) == word);
    CHECK(smmap__slots_holds(slots, word, index));
    return 1;
}

static void take_out(const smmap__slots_t *slots, apr_uint64_t index)
{
    smmap__word_t *word = smmap__slots_find(slots, index);

    NEED(word != NULL);
    smmap__store(word, 0);
    smmap__slots_leave(slots, word, index);
    CHECK(at(slots, index) == 0);
}

static void empty_table(void)
{
    const apr_uint64_t counts[] = {0, 1, 2, 64, 65, 1000000, (apr_uint64_t)1 << 51};
    smmap__shared_t shared = {0};
    apr_size_t i;

    smmap__shared_init(&shared, 100);
    for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        smmap__slots_t slots;

        table_make(&slots, counts[i], &shared, 1);
        CHECK(at(&slots, 0) == 0);
        CHECK(at(&slots, 1) == 0);
        CHECK(at(&slots, ~(apr_uint64_t)0) == 0);
        CHECK_NUMBER(fake_memory_blocks(), 0);
        smmap__slots_destroy(&slots);
    }
    smmap__shared_destroy(&shared);
}

static void one_slot(void)
{
    smmap__shared_t shared = {0};
    smmap__slots_t slots;

    smmap__shared_init(&shared, 1);
    table_make(&slots, 1, &shared, 1);
    CHECK(put(&slots, 0));
    CHECK(at(&slots, 0) == thing(0));
    CHECK_STATUS(smmap__slots_prepare(&slots, 1), APR_EINVAL);
    CHECK(at(&slots, 1) == 0);
    CHECK_NUMBER(fake_memory_blocks(), 0);
    smmap__slots_destroy(&slots);
}

/* Every index, in a random order, in tables made for as many, fewer and more. */
static void all_indexes(void)
{
    const apr_uint64_t made_for[] = {2, 100, 4095, 1000000};
    enum { COUNT = 5000 };
    apr_uint64_t order[COUNT];
    apr_size_t table;
    apr_size_t i;

    for (table = 0; table < sizeof made_for / sizeof made_for[0]; table++) {
        unsigned char is_there[COUNT] = {0};
        smmap__shared_t shared = {0};
        smmap__slots_t slots;
        apr_size_t missing = 0;

        for (i = 0; i < COUNT; i++) {
            apr_size_t other = (apr_size_t)random_below(i + 1);

            order[i] = order[other];
            order[other] = i;
        }
        smmap__shared_init(&shared, COUNT);
        table_make(&slots, made_for[table], &shared, 1);
        for (i = 0; i < COUNT; i++) {
            CHECK(at(&slots, order[i]) == 0);
            is_there[order[i]] = put(&slots, order[i]) != 0;
            missing += !is_there[order[i]];
        }
        CHECK(missing * 50 < COUNT); /* there are four words for each, and more */
        for (i = 0; i < COUNT; i++) {
            CHECK(at(&slots, i) == (is_there[i] ? thing(i) : 0));
        }
        take_out(&slots, 17);
        CHECK(at(&slots, 18) == thing(18));
        CHECK(put(&slots, 17));
        smmap__slots_destroy(&slots);
        smmap__shared_destroy(&shared);
        CHECK_NUMBER(fake_memory_blocks(), 0);
    }
}

/* 16 TiB in windows of 64 KiB, touched everywhere: what was taken out leaves nothing behind. */
static void sparse(void)
{
    const apr_uint64_t windows = (apr_uint64_t)1 << 28;
    smmap__shared_t shared = {0};
    smmap__slots_t slots;
    apr_size_t bytes;
    int i;

    smmap__shared_init(&shared, 64);
    table_make(&slots, windows, &shared, 1);
    NEED_OK(smmap__slots_prepare(&slots, 0));
    NEED_OK(smmap__slots_prepare(&slots, windows - 1));
    bytes = fake_memory_bytes();
    CHECK(bytes <= 4096 * sizeof(smmap__word_t) + 64 * 128);
    for (i = 0; i < 100000; i++) {
        apr_uint64_t index = 4096 + random_below(windows - 4096);

        if (i % 2 == 0) {
            CHECK(put(&slots, index));
            CHECK(at(&slots, index) == thing(index));
            take_out(&slots, index);
        } else {
            smmap__slots_count(&slots, index, 63);
        }
    }
    CHECK_NUMBER(fake_memory_bytes(), bytes);
    smmap__slots_destroy(&slots);
    smmap__shared_destroy(&shared);
}

/* Two files have one index, and a word goes from one window to another. */
static void told_apart(void)
{
    const apr_uint64_t index = (apr_uint64_t)1 << 40;
    smmap__shared_t shared = {0};
    smmap__slots_t one;
    smmap__slots_t two;
    smmap__word_t *word;
    apr_uint64_t other = index;

    smmap__shared_init(&shared, 1);
    table_make(&one, 100, &shared, 1);
    table_make(&two, 100, &shared, 2);
    CHECK(put(&one, index));
    CHECK(smmap__slots_find(&two, index) == NULL);
    CHECK(put(&two, index));
    word = smmap__slots_find(&one, index);
    CHECK(word != smmap__slots_find(&two, index));
    CHECK(!smmap__slots_holds(&two, word, index));
    CHECK(!smmap__slots_holds(&one, word, index + 1));
    take_out(&one, index);
    CHECK(!smmap__slots_holds(&one, word, index));
    CHECK(at(&two, index) == thing(index));
    while (smmap__slots_find(&one, other) != word) {
        if (other != index) {
            take_out(&one, other);
        }
        NEED(put(&one, ++other));
    }
    CHECK(smmap__slots_find(&one, index) == NULL);
    CHECK(!smmap__slots_holds(&one, word, index));
    smmap__slots_destroy(&one);
    smmap__slots_destroy(&two);
    smmap__shared_destroy(&shared);
}

/* There are so many words and no more; what has none is refused, and leaves the others alone. */
static void full(void)
{
    enum { COUNT = 4 * WAYS * SETS_LEAST };
    unsigned char is_there[COUNT] = {0};
    smmap__shared_t shared = {0};
    smmap__slots_t slots;
    apr_size_t count = 0;
    apr_size_t i;

    smmap__shared_init(&shared, 1);
    table_make(&slots, 2, &shared, 1);
    for (i = 4; i < COUNT; i++) {
        is_there[i] = put(&slots, i) != 0;
        count += is_there[i];
    }
    CHECK(count > WAYS * SETS_LEAST * 9 / 10 && count <= WAYS * SETS_LEAST);
    for (i = 4; i < COUNT; i++) {
        CHECK(at(&slots, i) == (is_there[i] ? thing(i) : 0));
    }
    smmap__slots_destroy(&slots);
    smmap__shared_destroy(&shared);
}

/* What is used often is counted up to the end, however many others are used once. */
static void counted(void)
{
    enum { MOST = 2047 };
    const apr_uint64_t indexes[] = {1, 5000000};
    smmap__shared_t shared = {0};
    smmap__slots_t slots;
    apr_size_t i;
    unsigned k;

    smmap__shared_init(&shared, 1);
    table_make(&slots, 1000000, &shared, 1);
    for (i = 0; i < 2; i++) {
        NEED_OK(smmap__slots_prepare(&slots, indexes[i]));
        for (k = 0; k < MOST; k++) {
            CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], MOST), k);
        }
        CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], MOST), MOST);
        CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], MOST), MOST);
        CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], 2000), 0); /* beyond: anew */
        CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], 2000), 47);
        smmap__slots_uncount(&slots, indexes[i]);
        CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], 63), 0);
        CHECK(put(&slots, indexes[i])); /* which ends the count */
        take_out(&slots, indexes[i]);
        CHECK_NUMBER(smmap__slots_count(&slots, indexes[i], 63), 0);
    }
    /* One in eight uses is of one window, all others of different ones. */
    for (i = 0; i < 10000 && smmap__slots_count(&slots, 7000000, 63) < 63; i++) {
        for (k = 0; k < 7; k++) {
            CHECK(smmap__slots_count(&slots, 8000000 + i * 7 + k, 63) < 63);
        }
    }
    CHECK(i < 100);
    smmap__slots_destroy(&slots);
    smmap__shared_destroy(&shared);
}

/* What need not be looked at: not what is mapped, nor what is mapped at its next touch. */
static void cold(void)
{
    const apr_uint64_t indexes[] = {0, 63, 64, 3900};
    smmap__shared_t shared = {0};
    smmap__slots_t slots;
    apr_size_t i;

    smmap__shared_init(&shared, 1);
    table_make(&slots, 1000000, &shared, 1);
    CHECK(!smmap__slots_is_cold(&slots, 0)); /* there is no table yet */
    for (i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        NEED_OK(smmap__slots_prepare(&slots, indexes[i]));
        CHECK(smmap__slots_is_cold(&slots, indexes[i]));
        smmap__slots_count(&slots, indexes[i], 2);
        CHECK(smmap__slots_is_cold(&slots, indexes[i]));
        smmap__slots_count(&slots, indexes[i], 2);
        CHECK(!smmap__slots_is_cold(&slots, indexes[i]));
        smmap__slots_uncount(&slots, indexes[i]);
        CHECK(smmap__slots_is_cold(&slots, indexes[i]));
        smmap__slots_count(&slots, indexes[i], 2);
        smmap__slots_count(&slots, indexes[i], 1); /* it is that already */
        CHECK(!smmap__slots_is_cold(&slots, indexes[i]));
        CHECK(put(&slots, indexes[i]));
        CHECK(!smmap__slots_is_cold(&slots, indexes[i]));
        CHECK(smmap__slots_is_cold(&slots, indexes[i] + 1));
        take_out(&slots, indexes[i]);
        CHECK(smmap__slots_is_cold(&slots, indexes[i]));
    }
    CHECK(!smmap__slots_is_cold(&slots, 4096)); /* in the shared table */
    smmap__slots_destroy(&slots);
    table_make(&slots, 3, &shared, 1);
    CHECK(!smmap__slots_is_cold(&slots, 0)); /* a small table is in the cache */
    smmap__slots_destroy(&slots);
    smmap__shared_destroy(&shared);
}

static void out_of_memory(void)
{
    smmap__shared_t shared = {0};
    smmap__slots_t slots;

    smmap__shared_init(&shared, APR_SIZE_MAX); /* is limited */
    CHECK(shared.count <= (apr_size_t)1 << 16);
    smmap__shared_init(&shared, 1);
    table_make(&slots, 100000, &shared, 1);
    fake_memory_fail(1);
    CHECK_STATUS(smmap__slots_prepare(&slots, 0), APR_ENOMEM);
    CHECK(!smmap__slots_is_prepared(&slots, 0));
    fake_memory_fail(1);
    CHECK_STATUS(smmap__slots_prepare(&slots, 90000), APR_ENOMEM);
    CHECK(!smmap__slots_is_prepared(&slots, 90000));
    fake_memory_fail_none();
    CHECK(put(&slots, 0) && put(&slots, 90000));
    smmap__slots_destroy(&slots);
    smmap__shared_destroy(&shared);
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

/* Of many large files few have large tables; those of the others are found all the same. */
static void many_files(void)
{
    enum { FILES = 1000 };
    static smmap__slots_t slots[FILES];
    smmap__shared_t shared = {0};
    apr_size_t words = 0;
    apr_uint64_t i;

    smmap__shared_init(&shared, 50);
    for (i = 0; i < FILES; i++) {
        table_make(&slots[i], 100000, &shared, i + 1);
        words += slots[i].count;
    }
    CHECK(slots[0].count > 3900);
    CHECK(words <= 64 * 4096 + FILES * 64);
    CHECK(put(&slots[0], 1000) && put(&slots[FILES - 1], 1000) && put(&slots[FILES - 1], 10));
    CHECK(at(&slots[0], 1000) == thing(1000) && at(&slots[FILES - 1], 1000) == thing(1000));
    CHECK(at(&slots[FILES - 1], 10) == thing(10) && at(&slots[FILES - 2], 1000) == 0);
    take_out(&slots[FILES - 1], 1000);
    take_out(&slots[FILES - 1], 10);
    take_out(&slots[0], 1000);
    for (i = 0; i < FILES; i++) {
        smmap__slots_destroy(&slots[i]);
    }
    table_make(&slots[0], 100000, &shared, 1);
    CHECK(slots[0].count > 3900);
    smmap__slots_destroy(&slots[0]);
    smmap__shared_destroy(&shared);
    CHECK_NUMBER(fake_memory_blocks(), 0);
}

static const test_case_t cases[] = {
    {"empty_table", empty_table}, {"one_slot", one_slot},           {"all_indexes", all_indexes},
    {"sparse", sparse},           {"told_apart", told_apart},       {"full", full},
    {"counted", counted},
    {"cold", cold},         {"out_of_memory", out_of_memory}, {"many_files", many_files},
    {NULL, NULL}};

const test_module_t test_slots = {"slots", cases};
