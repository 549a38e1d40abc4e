/*
 * The parts of test_signals.c that are in files of their own.
 */
#ifndef SMMAP_TESTS_TEST_SIGNALS_H
#define SMMAP_TESTS_TEST_SIGNALS_H

#include "tests/support/harness.h"

/** Two pages of a mapping of the test's own whose file was cut: every touch faults. */
unsigned char *signals_lost_pages(void);

/** The program's handler is called in the middle of a copy. */
void signals_in_a_copy(void);

/** What belongs to a thread is as it was, after a fault. */
void signals_of_a_thread(void);

/** Two copies of the library in one process. */
void signals_of_two_copies(void);

#endif
