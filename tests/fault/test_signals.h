/*
 * The parts of test_signals.c that are in files of their own.
 */
#ifndef SMMAP_TESTS_TEST_SIGNALS_H
#define SMMAP_TESTS_TEST_SIGNALS_H

#include "tests/support/harness.h"

/** The program's handler is called in the middle of a copy. */
void signals_in_a_copy(void);

#endif
