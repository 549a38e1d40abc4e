/*
 * libsmmap: random access to many, possibly huge files through memory-mapped windows, within
 * limits. Include this header to get all of it.
 *
 * A manager (manager.h) keeps the limits and files; a cursor (cursor.h) pins one window of a
 * file at a time; a buffer (buffer.h) hides the windows. window.h has window arithmetic,
 * status.h the status codes, trace.h the trace of accesses.
 */
#ifndef SMMAP_H
#define SMMAP_H

#include "smmap/buffer.h"
#include "smmap/cursor.h"
#include "smmap/export.h"
#include "smmap/manager.h"
#include "smmap/status.h"
#include "smmap/trace.h"
#include "smmap/version.h"
#include "smmap/window.h"

#endif
