/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stress program: its options, and the laps of the scenarios; see stress.h.
 *
 * Each lap has a seed of its own, which follows from the first one, a pool, and a
 * directory with fresh files. After a lap nothing may be left of it: no memory of
 * the library's, no mapping, no handle, as counted by us and by the system.
 *
 * Exit code: 0 all passed, 1 something failed, 2 bad arguments, or it could not start; 77 when
 * the only scenario that was asked for cannot be run on this backend.
 */
#include "stress.h"

#include <apr_general.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/memory.h"

/* A lap takes a second or so. One that takes minutes waits for what never comes. */
enum { SECONDS_OF_A_HANG = 300 };

typedef struct asked_t {
    apr_uint64_t seed;
    apr_uint64_t threads;
    apr_uint64_t rounds;
    apr_uint64_t seconds;
    const char *scenario;
    int list;
} asked_t;

static char directory[4096];

static void usage(FILE *out, const char *program)
{
    fprintf(out,
            "usage: %s [--list] [--seed N] [--threads N] [--rounds N] [--seconds N]\n"
            "       [--scenario NAME]\n"
            "  --list           print the scenarios and end\n"
            "  --seed N         the start of the random numbers; it is printed by each run\n"
            "  --threads N      2 to %d (4)\n"
            "  --rounds N       steps of each thread in a lap (500)\n"
            "  --seconds N      for all scenarios together: each goes on, lap by lap, until its\n"
            "                   share is over; 0: one lap each (0)\n"
            "  --scenario NAME  this one alone\n"
            "Environment: SMMAP_TEST_LIGHT=1 makes a tenth of the steps; TMPDIR is where the\n"
            "files are made. Exit codes: 0 all passed, 1 something failed, 2 bad arguments,\n"
            "77 the only scenario cannot be run on this backend.\n",
            program, STRESS_MOST_THREADS);
}

static void read_arguments(int argc, char **argv, asked_t *asked)
{
    const char *program = argv[0];
    int a;

    for (a = 1; a < argc; a += 2) {
        const char *value = a + 1 < argc ? argv[a + 1] : NULL;

        if (strcmp(argv[a], "--help") == 0) {
            usage(stdout, program);
            exit(0);
        } else if (strcmp(argv[a], "--list") == 0) {
            asked->list = 1;
            a--; /* it has no value */
        } else if (strcmp(argv[a], "--seed") == 0) {
            asked->seed = stress_number(program, "--seed", value, 0, ~(apr_uint64_t)0);
        } else if (strcmp(argv[a], "--threads") == 0) {
            asked->threads = stress_number(program, "--threads", value, 2, STRESS_MOST_THREADS);
        } else if (strcmp(argv[a], "--rounds") == 0) {
            asked->rounds = stress_number(program, "--rounds", value, 1, 1000000000);
        } else if (strcmp(argv[a], "--seconds") == 0) {
            asked->seconds = stress_number(program, "--seconds", value, 0, 1000000);
        } else if (strcmp(argv[a], "--scenario") == 0 && value != NULL) {
            asked->scenario = value;
        } else {
            fprintf(stderr, "%s: %s: no such option, or its value is missing\n", program,
                    argv[a]);
            usage(stderr, program);
            exit(2);
        }
    }
}

/* A program that dies says first how to run the lap again. Whoever had the signal before (a
   sanitizer, or the default) gets it then: the instruction that faulted is tried once more. */
static const int deadly[] = {SIGSEGV, SIGBUS, SIGALRM};
static struct sigaction before[sizeof deadly / sizeof deadly[0]];
static char last_words[300];

static void on_signal(int number)
{
    unsigned i;

    if (write(STDOUT_FILENO, last_words, strlen(last_words)) < 0) {
        /* Nothing that could be done about it. */
    }
    for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        sigaction(deadly[i], &before[i], NULL);
    }
    if (number == SIGALRM) {
        raise(number);
    }
}

static void catch_signals(void)
{
    struct sigaction action;
    unsigned i;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        sigaction(deadly[i], &action, &before[i]);
    }
}

/* The scenarios that were asked for; returns how many. */
static unsigned choose(const char *name, const stress_scenario_t **chosen)
{
    const stress_scenario_t *const lists[] = {stress_move, stress_mix, stress_life, stress_cut};
    unsigned count = 0;
    unsigned l;

    for (l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        const stress_scenario_t *scenario;

        for (scenario = lists[l]; scenario->name != NULL; scenario++) {
            if (name == NULL || strcmp(name, scenario->name) == 0) {
                chosen[count++] = scenario;
            }
        }
    }
    return count;
}

static void make_directory(void)
{
    unsigned f;

    stress_directory(directory, sizeof directory, "stress");
    for (f = 0; f < STRESS_FILES; f++) {
        snprintf(stress.files[f].path, sizeof stress.files[f].path, "%s/%c", directory,
                 (char)('a' + f));
    }
}

static void remove_directory(void)
{
    unsigned f;

    for (f = 0; f < STRESS_FILES; f++) {
        unlink(stress.files[f].path);
    }
    rmdir(directory);
}

/* One lap of a scenario; afterwards nothing may be left. */
static void run_lap(const stress_scenario_t *scenario, apr_uint64_t seed)
{
    const smmap_options_t options = SMMAP_OPTIONS_INIT;
    const leftover_t before_lap = leftover_now();

    if (apr_pool_create_unmanaged_ex(&stress.pool, NULL, NULL) != APR_SUCCESS) {
        printf("no pool\n");
        exit(2);
    }
    stress.seed = seed;
    stress.options = options;
    stress.files_shrink = 0;
    stress.options.mode = SMMAP_MODE_SLIDING;
    stress.options.window_size = stress.unit;
    make_directory();
    snprintf(last_words, sizeof last_words,
             "to run this lap again: --scenario %s --seed %llu --threads %u --rounds %lu\n",
             scenario->name, (unsigned long long)seed, stress.threads,
             (unsigned long)stress.rounds);
    alarm(SECONDS_OF_A_HANG);
    truth_begin();
    scenario->lap();
    apr_pool_destroy(stress.pool);
    alarm(0);
    remove_directory();
    stress_nothing_left(&before_lap);
}

/* Laps until the time is over. 1: all went well. */
static int run_scenario(const stress_scenario_t *scenario, apr_uint64_t seed, apr_time_t share)
{
    apr_time_t end = apr_time_now() + share;
    apr_uint64_t lap = 0;
    apr_size_t heap = 0;

    memset(&stress.sums, 0, sizeof stress.sums);
    atomic_store(&stress.bad, 0);
    stress.deadline = share != 0 ? end : 0;
    do {
        run_lap(scenario, seed + lap);
        if (lap++ == 0) {
            heap = leftover_now().heap; /* what is made once is there by now */
        }
    } while (share != 0 && apr_time_now() < end && atomic_load(&stress.bad) == 0);
    stress_most("bytes of the heap", leftover_now().heap, heap + LEFTOVER_HEAP);
    printf("%-10s %s: %llu laps, %llu steps, %llu refused, %llu hits, %llu misses, %llu maps, "
           "%llu evicted, %llu direct, %llu opens, %llu samples\n",
           scenario->name, atomic_load(&stress.bad) == 0 ? "passed" : "FAILED",
           (unsigned long long)lap, (unsigned long long)stress.sums.steps,
           (unsigned long long)stress.sums.refused, (unsigned long long)stress.sums.hits,
           (unsigned long long)stress.sums.misses, (unsigned long long)stress.sums.maps,
           (unsigned long long)stress.sums.evictions,
           (unsigned long long)stress.sums.bypassed_reads, (unsigned long long)stress.sums.opens,
           (unsigned long long)stress.sums.samples);
    if (atomic_load(&stress.bad) != 0) {
        printf("%s", last_words);
    }
    return atomic_load(&stress.bad) == 0;
}

int main(int argc, char **argv)
{
    asked_t asked = {0, 4, 500, 0, NULL, 0};
    const stress_scenario_t *chosen[32];
    const char *light = getenv("SMMAP_TEST_LIGHT");
    unsigned count;
    unsigned passed = 0;
    unsigned skipped = 0;
    unsigned i;

    asked.seed = (apr_uint64_t)apr_time_now();
    read_arguments(argc, argv, &asked);
    count = choose(asked.scenario, chosen);
    if (count == 0) {
        fprintf(stderr, "%s: there is no scenario %s; --list names them\n", argv[0],
                asked.scenario);
        return 2;
    }
    for (i = 0; i < count && asked.list; i++) {
        printf("%-10s %s\n", chosen[i]->name, chosen[i]->about);
    }
    if (asked.list) {
        return 0;
    }
    if (apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "cannot start APR\n");
        return 2;
    }
    catch_signals();
    setvbuf(stdout, NULL, _IOLBF, 0);
    stress.threads = (unsigned)asked.threads;
    stress.rounds = (apr_size_t)asked.rounds;
    if (light != NULL && strcmp(light, "1") == 0) {
        stress.rounds = stress.rounds / 10 + 1;
    }
    stress.unit = smmap_granularity();
    printf("backend %s, seed %llu, %u threads, %lu steps in a lap\n", truth_name(),
           (unsigned long long)asked.seed, stress.threads, (unsigned long)stress.rounds);
    for (i = 0; i < count; i++) {
        if (strcmp(chosen[i]->name, stress_cut[0].name) == 0 && !truth_copies()) {
            printf("skipped: %s because touching what was cut off is a fault of the system\n",
                   chosen[i]->name);
            skipped++;
            continue;
        }
        /* A scenario by itself has the laps that it has among the others. */
        printf("%-10s (%s)\n", chosen[i]->name, chosen[i]->about);
        passed += (unsigned)run_scenario(chosen[i], asked.seed,
                                         apr_time_from_sec((apr_time_t)asked.seconds) / count);
    }
    apr_terminate();
    count -= skipped;
    printf("%u passed, %u failed", passed, count - passed);
    if (skipped > 0) {
        printf(", %u skipped", skipped);
    }
    printf("\n");
    if (count == 0) {
        return 77; /* nothing could be run */
    }
    return passed == count ? 0 : 1;
}
