/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The modules of suite-wrap. What a process does once, the first test of the first does.
 */
#include "tests/support/harness.h"

extern const test_module_t test_wraps;
extern const test_module_t test_wraps_memory;
extern const test_module_t test_wraps_rest;
extern const test_module_t test_wraps_threads;

const test_module_t *const test_modules[] = {&test_wraps, &test_wraps_memory, &test_wraps_rest,
                                             &test_wraps_threads, NULL};
