/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program around the tests: suite-posix (on Windows: suite-windows), suite-fake and
 * suite-wrap.
 *
 * The tests run in a child process, which reports each step through a pipe. When
 * a test crashes or hangs, it counts as failed, and a new child goes on behind
 * it. suite-fake runs all of them once for each granularity, as the core may
 * take the granularity for a constant of the process; with SMMAP_TEST_LIGHT for
 * one of them, which the seed chooses.
 *
 * Exit code: 0 all passed, 1 something failed, 2 bad arguments.
 */
#include "harness.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include <apr_general.h>
#include <apr_time.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/backend.h"

#define MOST_TESTS 1024

typedef struct test_t {
    const test_module_t *module;
    const test_case_t *test;
    char name[120]; /* module/test */
} test_t;

static test_t tests[MOST_TESTS];
static unsigned test_total;

typedef struct counts_t {
    unsigned passed;
    unsigned failed;
    unsigned skipped;
    unsigned elsewhere; /* for the suite of the other backend */
} counts_t;

static char root[4096];
static apr_uint64_t seed;

static void list_tests(const char *only)
{
    const test_module_t *const *module;
    const test_case_t *test;

    for (module = test_modules; *module != NULL; module++) {
        for (test = (*module)->cases; test->name != NULL; test++) {
            test_t *entry = &tests[test_total];

            if (test_total == MOST_TESTS) {
                fprintf(stderr, "more than %d tests: raise MOST_TESTS\n", MOST_TESTS);
                exit(2);
            }
            entry->module = *module;
            entry->test = test;
            snprintf(entry->name, sizeof entry->name, "%s/%s", (*module)->name, test->name);
            if (only == NULL || strstr(entry->name, only) != NULL) {
                test_total++;
            }
        }
    }
}

/* The child. */

static FILE *report;
static unsigned current; /* index of the running test */
static test_outcome_t outcome;
static counts_t module_counts;

static void set_up(void)
{
    fprintf(report, "B %u\n", current);
    fflush(report);
    harness_test_begin(tests[current].name, current);
}

static void tear_down(void)
{
    harness_test_end(&outcome);
}

static void test_done(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
    const CU_FailureRecord *failure;

    (void)test;
    (void)suite;
    for (failure = failures; failure != NULL; failure = failure->pNext) {
        printf("  FAIL %s  %s:%u: %s\n", tests[current].name, failure->strFileName,
               failure->uiLineNumber, failure->strCondition);
    }
    if (failures != NULL) {
        module_counts.failed++;
        fprintf(report, "F %u\n", current);
    } else if (outcome.elsewhere) {
        fprintf(report, "X %u\n", current);
    } else if (outcome.skipped[0] != '\0') {
        module_counts.skipped++;
        printf("  skipped: %s because %s\n", tests[current].name, outcome.skipped);
        fprintf(report, "S %u\n", current);
    } else {
        module_counts.passed++;
        fprintf(report, "P %u\n", current);
    }
    fflush(report);
    current++;
}

static void module_done(const CU_pSuite suite, const CU_pFailureRecord failures)
{
    (void)failures;
    printf("%-10s %3u passed, %u failed", suite->pName, module_counts.passed,
           module_counts.failed);
    if (module_counts.skipped > 0) {
        printf(", %u skipped", module_counts.skipped);
    }
    printf("\n");
    memset(&module_counts, 0, sizeof module_counts);
}

/* A machine, or what stands in for one, may be wrong about something. SMMAP_TEST_SKIP is then a file
   with a line for each test that it cannot run: `NAME because REASON`. 0: it can. */
static int is_left_out(const char *name)
{
    const char *path = getenv("SMMAP_TEST_SKIP");
    FILE *list = path != NULL && *path != '\0' ? fopen(path, "r") : NULL;
    static const char because[] = " because ";
    char line[300];
    const char *reason = line + strlen(name);
    int found = 0;

    if (path != NULL && *path != '\0' && list == NULL) {
        fprintf(stderr, "SMMAP_TEST_SKIP: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (list != NULL && !found && fgets(line, sizeof line, list) != NULL) {
        found = strncmp(line, name, strlen(name)) == 0 &&
                strncmp(reason, because, strlen(because)) == 0;
    }
    if (list != NULL) {
        fclose(list);
    }
    if (found) {
        reason += strlen(because);
        test_skip("%.*s", (int)strcspn(reason, "\r\n"), reason);
    }
    return found;
}

static void run_current(void)
{
    if (!is_left_out(tests[current].name)) {
        harness_test_run(tests[current].test->run);
    }
}

static int run_child(const native_order_t *order)
{
    CU_pSuite suite = NULL;
    unsigned i;

    native_line_buffered(stdout);
    report = order->report;
    seed = order->seed;
    if (order->granularity != 0) {
        fake_set_granularity(order->granularity);
    }
    if (test_total == 0) {
        list_tests(order->only);
    }

    if (CU_initialize_registry() != CUE_SUCCESS) {
        fprintf(stderr, "cannot start CUnit\n");
        return 1;
    }
    for (i = order->first; i < test_total; i++) {
        if (i == order->first || tests[i].module != tests[i - 1].module) {
            suite = CU_add_suite_with_setup_and_teardown(tests[i].module->name, NULL, NULL, set_up,
                                                         tear_down);
        }
        if (suite == NULL || CU_add_test(suite, tests[i].test->name, run_current) == NULL) {
            fprintf(stderr, "cannot register %s: %s\n", tests[i].name, CU_get_error_msg());
            return 1;
        }
    }
    CU_set_test_complete_handler(test_done);
    CU_set_suite_complete_handler(module_done);
    current = order->first;
    harness_begin(order->root, seed);
    CU_run_all_tests();
    harness_end();
    CU_cleanup_registry();
    apr_terminate();
    fprintf(report, "E 0\n");
    fclose(report);
    return 0;
}

/* The parent. */

static void remove_root(void)
{
    harness_remove_tree(root);
}

/* Read what a child reports until it is gone. Returns the index to go on with. */
static unsigned follow(native_child_t *child, unsigned first, counts_t *counts)
{
    unsigned next = first;
    int running = 0;
    int ended = 0;
    char how[120];
    char step;
    unsigned index;

    for (;;) {
        errno = 0;
        if (native_interrupted()) {
            native_end_interrupted(child, remove_root);
        }
        if (fscanf(child->from, " %c %u", &step, &index) != 2) {
            if (native_interrupted()) {
                native_end_interrupted(child, remove_root);
            }
            if (errno == EINTR) {
                clearerr(child->from);
                continue;
            }
            break;
        }
        counts->passed += step == 'P';
        counts->failed += step == 'F';
        counts->skipped += step == 'S';
        counts->elsewhere += step == 'X';
        running = step == 'B';
        ended = step == 'E';
        next = ended ? test_total : index + 1;
    }
    if (native_child_wait(child, how, sizeof how)) {
        if (ended) {
            return test_total;
        }
        snprintf(how, sizeof how, "ended in the middle");
    }
    counts->failed++;
    printf("  FAIL %s  %s\n", running ? tests[next - 1].name : "the suite", how);
    /* A child that ran no test at all would not do better the next time. */
    return running || ended ? next : test_total;
}

static void run_round(apr_size_t granularity, const char *only, counts_t *counts)
{
    unsigned next = 0;

    if (granularity != 0) {
        printf("granularity %lu:\n", (unsigned long)granularity);
    }
    while (next < test_total) {
        native_order_t order = {next, granularity, seed, root, only, NULL};
        native_child_t child;

        if (!native_child_start(&child, &order, run_child)) {
            perror("cannot start a child process");
            remove_root();
            exit(1);
        }
        next = follow(&child, next, counts);
        fclose(child.from);
    }
}

static void usage(FILE *out, const char *program)
{
    fprintf(out,
            "usage: %s [--list] [--seed N] [--only SUBSTRING]%s\n"
            "  --list           print the names of the tests and end\n"
            "  --seed N         the start of the random numbers; it is printed by each run\n"
            "  --only SUBSTRING run the tests whose name (module/test) contains it\n",
            program, fake_present() ? " [--granularity N]" : "");
    if (fake_present()) {
        fprintf(out, "  --granularity N  run with this one alone: a power of two, 4096 to "
                     "1048576;\n"
                     "                   SMMAP_TEST_LIGHT=1 takes one of three\n");
    }
    fprintf(out, "Environment: SMMAP_TEST_LIGHT=1 repeats less, for slow machines and valgrind;\n"
                 "TMPDIR is where the files of the tests are made.\n");
}

static apr_uint64_t number_argument(const char *program, const char *option, const char *text)
{
    char *end = NULL;
    unsigned long long number = 0;

    errno = 0;
    if (text != NULL) {
        number = strtoull(text, &end, 0);
    }
    if (text == NULL || *text == '-' || end == text || *end != '\0' || errno != 0) {
        fprintf(stderr, "%s: %s needs a number\n", program, option);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    static const apr_size_t granularities[] = {4096, 16384, 65536};
    const unsigned granularity_count = sizeof granularities / sizeof granularities[0];
    apr_size_t granularity = 0;
    const char *only = NULL;
    counts_t counts = {0, 0, 0, 0};
    int listing = 0;
    unsigned i;
    int a;

    if (apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "cannot start APR\n");
        return 2;
    }
    a = native_child_main(argc, argv, run_child);
    if (a >= 0) {
        return a;
    }
    seed = (apr_uint64_t)apr_time_now();
    for (a = 1; a < argc; a++) {
        if (strcmp(argv[a], "--list") == 0) {
            listing = 1;
        } else if (strcmp(argv[a], "--help") == 0) {
            usage(stdout, argv[0]);
            return 0;
        } else if (strcmp(argv[a], "--seed") == 0) {
            seed = number_argument(argv[0], "--seed", argv[a + 1]);
            a++;
        } else if (strcmp(argv[a], "--only") == 0 && a + 1 < argc) {
            only = argv[++a];
        } else if (strcmp(argv[a], "--granularity") == 0 && fake_present()) {
            granularity = (apr_size_t)number_argument(argv[0], "--granularity", argv[a + 1]);
            a++;
            if (granularity < 4096 || granularity > 1048576 ||
                (granularity & (granularity - 1)) != 0) {
                fprintf(stderr, "%s: not a power of two from 4096 to 1048576\n", argv[0]);
                return 2;
            }
        } else {
            usage(stderr, argv[0]);
            return 2;
        }
    }
    list_tests(only);
    if (test_total == 0) {
        fprintf(stderr, "%s: no test has \"%s\" in its name\n", argv[0], only);
        return 2;
    }
    if (listing) {
        for (i = 0; i < test_total; i++) {
            printf("%s\n", tests[i].name);
        }
        return 0;
    }
    native_line_buffered(stdout);
    printf("seed %" APR_UINT64_T_FMT "\n", seed);
    if (!native_make_root(root, sizeof root)) {
        fprintf(stderr, "cannot make a directory for the files of the tests: %s\n",
                strerror(errno));
        return 2;
    }
    native_catch_signals();
    if (granularity == 0 && test_is_light()) {
        granularity = granularities[seed % granularity_count];
    }
    if (!fake_present() || granularity != 0) {
        run_round(granularity, only, &counts);
    } else {
        for (i = 0; i < granularity_count; i++) {
            run_round(granularities[i], only, &counts);
        }
    }
    harness_remove_tree(root);
    if (counts.elsewhere > 0) {
        printf("left to the suite of the %s backend: %u\n", fake_present() ? "real" : "fake",
               counts.elsewhere);
    }
    if (counts.failed > 0) {
        printf("to run it again: --seed %" APR_UINT64_T_FMT "\n", seed);
    }
    printf("%u passed, %u failed", counts.passed, counts.failed);
    if (counts.skipped > 0) {
        printf(", %u skipped", counts.skipped);
    }
    printf("\n");
    apr_terminate();
    return counts.failed > 0 ? 1 : 0;
}
