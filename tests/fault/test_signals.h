/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of test_signals.c that are in files of their own, and what they share.
 */
#ifndef SMMAP_TESTS_TEST_SIGNALS_H
#define SMMAP_TESTS_TEST_SIGNALS_H

#include "tests/support/harness.h"

/** Two pages of a mapping of the test's own whose file was cut: every touch faults. */
unsigned char *signals_lost_pages(void);

/** What a child does; it returns 0 when all was as it should be. */
typedef int signals_child_t(void *argument);

/** The manager of signals_guard_on(). */
extern smmap_manager_t *signals_manager;

/** A page of signals_lost_pages(), behind the end of its file. */
extern volatile unsigned char *signals_foreign;

/** The granularity. */
extern apr_size_t signals_unit;

/** Make the file of a test; called once, before the children. */
void signals_begin(void);

/** A manager that guards. */
void signals_guard_on(void);

/** A guarded read of a page that is gone. */
int signals_is_survived(void);

void signals_foreign_make(void);

/** Load the byte. */
void signals_touch(const volatile unsigned char *byte);

/** The signal that ended a child, or 0. */
int signals_end_of(signals_child_t *run);

/** Handlers that were there before the guard's. */
void signals_handlers_before(void);

/** Handlers that the program installs later. */
void signals_handlers_after(void);

/** The program's handler is called in the middle of a copy. */
void signals_in_a_copy(void);

/** What belongs to a thread is as it was, after a fault. */
void signals_of_a_thread(void);

/** A signal that was sent looks like a fault, as on Darwin. */
void signals_sent_like_faults(void);

/** Two copies of the library in one process. */
void signals_of_two_copies(void);

#endif
