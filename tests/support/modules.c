/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The modules of suite-posix (suite-windows) and suite-fake: one line for each test_NAME.c.
 */
#include "harness.h"

#define MODULES(X)         \
    X(test_contract)       \
    X(test_contract_files) \
    X(test_fences)         \
    X(test_window)         \
    X(test_status)         \
    X(test_slots)          \
    X(test_budget)         \
    X(test_queue)          \
    X(test_manager)        \
    X(test_cursor)         \
    X(test_share)          \
    X(test_buffer)         \
    X(test_input)          \
    X(test_policy)         \
    X(test_scan)           \
    X(test_limits)         \
    X(test_follow)         \
    X(test_room)           \
    X(test_binding)        \
    X(test_fetch)          \
    X(test_nowait)         \
    X(test_hint)           \
    X(test_refused)        \
    X(test_exhausted)      \
    X(test_stale)          \
    X(test_ids)            \
    X(test_resized)        \
    X(test_release)        \
    X(test_lifetime)       \
    X(test_growth)         \
    X(test_failures)       \
    X(test_large)          \
    X(test_between)        \
    X(test_read)           \
    X(test_resident)       \
    X(test_trace)          \
    X(test_traced)         \
    X(test_threads)        \
    X(test_buffered)       \
    X(test_special)        \
    X(test_guard)          \
    X(test_pointers)       \
    X(test_faults)         \
    X(test_cutting)        \
    X(test_signals)        \
    X(test_fork)           \
    X(test_paranoid)

#define DECLARE(name) extern const test_module_t name;
#define LIST(name) &name,
MODULES(DECLARE)
const test_module_t *const test_modules[] = {MODULES(LIST) NULL};
