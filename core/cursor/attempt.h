/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What miss.c and attempt.c share.
 */
#ifndef SMMAP_CORE_CURSOR_ATTEMPT_H
#define SMMAP_CORE_CURSOR_ATTEMPT_H

#include "core/cursor/cursor.h"

/** A range of the file that is going to be mapped. */
typedef struct smmap__range_t {
    apr_off_t begin;
    apr_off_t end;
    int on_grid;
} smmap__range_t;

/** A mapping in the making: what is asked for, and how far we are. */
typedef struct smmap__attempt_t {
    smmap__link_t flight; /* in the list of the file, from when range is set */
    unsigned changes;     /* of the file when it was measured */
    smmap__file_t *file;
    apr_off_t offset; /* these bytes must be in the region */
    apr_off_t end;
    apr_size_t window; /* the size of window we try for; 0: exactly these bytes */
    smmap__range_t range;
    smmap__pin_t *pin;
    smmap_access_t access;
    int retried;
    int smaller;  /* the system refused more */
    int buffered; /* the system cannot map this file */
    int heap;     /* there is no room for a mapping; buffered, too */
    int copying;  /* better none than one of the heap's */
    int waits;    /* for room, as long as limit_wait says, */
    apr_interval_time_t waited; /* and has for so long */
} smmap__attempt_t;

/** Choose the window of the attempt's size that holds what is asked for; where there is none (it
    crosses the end of one), the granules that do. */
void smmap__attempt_range(smmap__attempt_t *attempt);
/** Choose a smaller range for the same bytes; 0 when there is none. */
int smmap__attempt_smaller(smmap__attempt_t *attempt);
/** Nothing that the system has: the granules that hold what is wanted, from the heap; 0 when that
    is not to be. */
int smmap__attempt_heap(smmap__attempt_t *attempt);
/** From now on the file is read into memory, and in smaller windows. */
void smmap__attempt_buffered(smmap__attempt_t *attempt);
/** Map the range, or read it into memory. No lock is held. A mapping that is there although this
    failed could not be given back. */
apr_status_t smmap__attempt_show(const smmap__attempt_t *attempt, apr_os_file_t handle,
                                 apr_size_t length, smmap__os_mapping_t *mapping);

#endif
