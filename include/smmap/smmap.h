/*
 * libsmmap: random access to many, possibly huge files through memory-mapped
 * windows, under limits that hold. Include this header for all of it.
 *
 * The words: a manager (manager.h) keeps limits and files; a cursor (cursor.h)
 * pins one window of a file at a time; a buffer (buffer.h) hides the windows.
 * window.h has the arithmetic, status.h the status codes, trace.h a record of what
 * was asked for.
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
