/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The chaos program: its options, and the laps of the scenarios; see chaos.h.
 *
 * A lap has a seed of its own, a fresh directory, children of its own and a manager. When its
 * threads have made their rounds, the counters must be exact, and nothing may be left of it:
 * no memory of the library's, no mapping, no handle, as counted by us and by the system.
 *
 * Exit code: 0 all passed, 1 something failed, 2 bad arguments, or it could not start.
 */
#include "chaos.h"

#include <apr_general.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/memory.h"

/* A lap takes a second or so. One that takes minutes waits for what never comes. */
enum { SECONDS_OF_A_HANG = 300, LAPS_MOST = 50 };

typedef struct scenario_t {
    const char *name;
    smmap_mode_t mode;
    smmap_guard_t guard;
} scenario_t;

static const scenario_t scenarios[] = {
    {"static-on", SMMAP_MODE_STATIC, SMMAP_GUARD_ON},
    {"static-strict", SMMAP_MODE_STATIC, SMMAP_GUARD_STRICT},
    {"sliding-on", SMMAP_MODE_SLIDING, SMMAP_GUARD_ON},
    {"sliding-strict", SMMAP_MODE_SLIDING, SMMAP_GUARD_STRICT}};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

typedef struct asked_t {
    apr_uint64_t seed;
    apr_uint64_t seconds;
    const char *scenario;
    int whole_pages;
    int same_files;
} asked_t;

chaos_t chaos;
static char last_words[300];

static void usage(FILE *out, const char *program)
{
    fprintf(out,
            "usage: %s [--list] [--seed N] [--readers N] [--rounds N] [--seconds N]\n"
            "       [--scenario NAME] [--whole-pages] [--same-files]\n"
            "  --list           print the scenarios and end\n"
            "  --seed N         the start of the random numbers; it is printed by each run\n"
            "  --readers N      threads, 1 to %d (4)\n"
            "  --rounds N       calls of each thread in a lap (4000)\n"
            "  --seconds N      for all scenarios together: each goes on, lap by lap, until its\n"
            "                   share is over; 0: two laps each (0)\n"
            "  --scenario NAME  this one alone\n"
            "  --whole-pages    cut files between pages alone, for file systems that clear a\n"
            "                   page's end before they change the size\n"
            "  --same-files     cut files and let them grow, and give no path another file\n"
            "Environment: SMMAP_TEST_LIGHT=1 makes a tenth of the calls; TMPDIR is where the\n"
            "files are made. Exit codes: 0 all passed, 1 something failed, 2 bad arguments.\n",
            program, STRESS_MOST_THREADS);
}

static void list(void)
{
    unsigned s;

    for (s = 0; s < SCENARIOS; s++) {
        printf("%s\n", scenarios[s].name);
    }
}

static void read_arguments(int argc, char **argv, asked_t *asked)
{
    int a;

    for (a = 1; a < argc; a += 2) {
        const char *value = a + 1 < argc ? argv[a + 1] : NULL;

        if (strcmp(argv[a], "--help") == 0 || strcmp(argv[a], "--list") == 0) {
            if (argv[a][2] == 'h') {
                usage(stdout, argv[0]);
            } else {
                list();
            }
            exit(0);
        } else if (strcmp(argv[a], "--whole-pages") == 0) {
            asked->whole_pages = 1;
            a--; /* it has no value */
        } else if (strcmp(argv[a], "--same-files") == 0) {
            asked->same_files = 1;
            a--;
        } else if (strcmp(argv[a], "--seed") == 0) {
            asked->seed = stress_number(argv[0], argv[a], value, 0, ~(apr_uint64_t)0);
        } else if (strcmp(argv[a], "--readers") == 0) {
            chaos.readers =
                (unsigned)stress_number(argv[0], argv[a], value, 1, STRESS_MOST_THREADS);
        } else if (strcmp(argv[a], "--rounds") == 0) {
            chaos.rounds = (apr_size_t)stress_number(argv[0], argv[a], value, 1, 1000000000);
        } else if (strcmp(argv[a], "--seconds") == 0) {
            asked->seconds = stress_number(argv[0], argv[a], value, 0, 1000000);
        } else if (strcmp(argv[a], "--scenario") == 0 && value != NULL) {
            asked->scenario = value;
        } else {
            fprintf(stderr, "%s: %s: no such option, or its value is missing\n", argv[0], argv[a]);
            usage(stderr, argv[0]);
            exit(2);
        }
    }
}

/* A fault outside of the guard, or a lap that does not end: say how to run it again. */
static void on_signal(int signal_number)
{
    if (write(STDOUT_FILENO, last_words, strlen(last_words)) < 0) {
        /* Nothing that could be done about it. */
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void make_directory(void)
{
    unsigned f;

    stress_directory(chaos.directory, sizeof chaos.directory, "chaos");
    for (f = 0; f < CHAOS_FILES; f++) {
        snprintf(chaos.paths[f], sizeof chaos.paths[f], "%s/%c", chaos.directory, (char)('a' + f));
        snprintf(chaos.spare[f], sizeof chaos.spare[f], "%s/%c.new", chaos.directory,
                 (char)('a' + f));
    }
}

static void remove_directory(void)
{
    unsigned f;

    for (f = 0; f < CHAOS_FILES; f++) {
        unlink(chaos.paths[f]);
        unlink(chaos.spare[f]);
    }
    rmdir(chaos.directory);
}

static void start_children(pid_t *children, apr_uint64_t seed)
{
    unsigned c;

    fflush(stdout);
    chaos.parent = getpid();
    for (c = 0; c < CHAOS_CHILDREN; c++) {
        children[c] = fork();
        if (children[c] == 0) {
            _exit(chaos_wreck(c, seed + c + 1));
        }
        if (children[c] < 0) {
            perror("fork");
            exit(2);
        }
    }
}

static void end_children(const pid_t *children)
{
    unsigned c;

    atomic_store(&chaos.shared->stop, 1);
    for (c = 0; c < CHAOS_CHILDREN; c++) {
        int status = 0;

        if (waitpid(children[c], &status, 0) != children[c] || !WIFEXITED(status) ||
            WEXITSTATUS(status) != 0) {
            stress_bad("a child has not ended as it should: status %d", status);
        }
    }
}

static void work(const scenario_t *scenario, apr_uint64_t lap)
{
    const smmap_options_t options = SMMAP_OPTIONS_INIT;

    stress.options = options;
    stress.options.mode = scenario->mode;
    stress.options.guard = scenario->guard;
    stress.options.limits = lap % 2 == 0 ? SMMAP_LIMITS_SOFT : SMMAP_LIMITS_HARD;
    stress.options.window_size = 4 * stress.unit;
    stress.options.max_mapped_bytes =
        scenario->mode == SMMAP_MODE_STATIC ? 3 * CHAOS_PAGES * chaos.page : 40 * stress.unit;
    stress.options.max_regions = 10;
    stress.options.max_open_files = 2;
    stress_manage();
    chaos.manager = stress.manager;
    atomic_store(&chaos.shared->readers, chaos.readers);
    stress.threads = chaos.readers;
    stress_run(chaos_read);
}

static void run_lap(const scenario_t *scenario, apr_uint64_t seed, apr_uint64_t lap)
{
    const leftover_t before = leftover_now();
    pid_t children[CHAOS_CHILDREN];
    unsigned f;

    if (apr_pool_create_unmanaged_ex(&stress.pool, NULL, NULL) != APR_SUCCESS) {
        printf("no pool\n");
        exit(2);
    }
    for (f = 0; f < CHAOS_FILES; f++) {
        atomic_store(&chaos.shared->made[f], 0);
        atomic_store(&chaos.shared->named[f], 0);
    }
    stress.seed = seed;
    make_directory();
    snprintf(last_words, sizeof last_words,
             "to run this lap again: --scenario %s --seed %llu --readers %u --rounds %lu%s%s\n",
             scenario->name, (unsigned long long)(seed - lap), chaos.readers,
             (unsigned long)chaos.rounds, chaos.whole_pages ? " --whole-pages" : "",
             chaos.same_files ? " --same-files" : "");
    alarm(SECONDS_OF_A_HANG);
    chaos_make(seed);
    atomic_store(&chaos.shared->stop, 0);
    start_children(children, seed);
    truth_begin();
    work(scenario, lap);
    end_children(children);
    chaos_settle();
    apr_pool_destroy(stress.pool);
    alarm(0);
    remove_directory();
    stress_nothing_left(&before);
}

/* Something was read, and something wrecked. */
static int has_happened(void)
{
    return atomic_load(&chaos.bytes) != 0 && atomic_load(&chaos.shared->wrecks[WRECK_CUT]) != 0 &&
           (chaos.same_files || atomic_load(&chaos.shared->wrecks[WRECK_REPLACE]) != 0);
}

/* Laps until the time is over. 1: all went well. */
static int run_scenario(const scenario_t *scenario, const asked_t *asked, apr_time_t share)
{
    apr_time_t end = apr_time_now() + share;
    apr_uint64_t lap = 0;
    apr_size_t heap = 0;

    chaos_clear();
    chaos.same_files = asked->same_files;
    chaos.whole_pages = asked->whole_pages || scenario->guard == SMMAP_GUARD_ON;
    do {
        run_lap(scenario, asked->seed + lap, lap);
        if (lap++ == 0) {
            heap = leftover_now().heap; /* what is made once is there by now */
        }
    } while ((lap < 2 || apr_time_now() < end || (!has_happened() && lap < LAPS_MOST)) &&
             atomic_load(&stress.bad) == 0);
    stress_most("bytes of the heap", leftover_now().heap, heap + LEFTOVER_HEAP);
    /* A run in which nothing happened to the readers proves nothing. */
    if (atomic_load(&stress.bad) == 0 && !has_happened()) {
        stress_bad("nothing was read, or nothing was wrecked");
    }
    chaos_print(scenario->name, lap);
    if (atomic_load(&stress.bad) != 0) {
        printf("%s", last_words);
    }
    return atomic_load(&stress.bad) == 0;
}

int main(int argc, char **argv)
{
    asked_t asked = {0, 0, NULL, 0, 0};
    const char *light = getenv("SMMAP_TEST_LIGHT");
    unsigned chosen = 0;
    unsigned passed = 0;
    unsigned s;

    asked.seed = (apr_uint64_t)apr_time_now();
    chaos.readers = 4;
    chaos.rounds = 4000;
    read_arguments(argc, argv, &asked);
    if (apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "cannot start APR\n");
        return 2;
    }
    chaos.shared = mmap(NULL, sizeof *chaos.shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (chaos.shared == MAP_FAILED) {
        perror("no memory to share");
        return 2;
    }
    signal(SIGBUS, on_signal);
    signal(SIGALRM, on_signal);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (light != NULL && strcmp(light, "1") == 0) {
        chaos.rounds = chaos.rounds / 10 + 1;
    }
    stress.rounds = chaos.rounds;
    stress.unit = smmap_granularity();
    chaos.page = smmap_page_size();
    printf("seed %llu, %u readers, %lu calls of each in a lap, %u children%s\n",
           (unsigned long long)asked.seed, chaos.readers, (unsigned long)chaos.rounds,
           (unsigned)CHAOS_CHILDREN,
           chaos_prepare() ? "" : ", which leave each new file alone for 20 ms");
    for (s = 0; s < SCENARIOS; s++) {
        chosen += asked.scenario == NULL || strcmp(asked.scenario, scenarios[s].name) == 0;
    }
    if (chosen == 0) {
        fprintf(stderr, "%s: there is no scenario %s; --list names them\n", argv[0],
                asked.scenario);
        return 2;
    }
    for (s = 0; s < SCENARIOS; s++) {
        if (asked.scenario == NULL || strcmp(asked.scenario, scenarios[s].name) == 0) {
            passed += (unsigned)run_scenario(
                &scenarios[s], &asked, apr_time_from_sec((apr_time_t)asked.seconds) / chosen);
        }
    }
    munmap(chaos.shared, sizeof *chaos.shared);
    apr_terminate();
    printf("%u passed, %u failed\n", passed, chosen - passed);
    return passed == chosen ? 0 : 1;
}
