/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libsmmap: random access to many, possibly huge files through memory-mapped windows, within
 * limits. Include smmap/smmap.h to get all of it.
 *
 * Begin with smmap_manager_create(), smmap_cursor_open() and smmap_cursor_use(); then
 * smmap_cursor_data() points at bytes of the file. To copy bytes, smmap_cursor_read() is enough.
 * Every function that can fail returns a status, which smmap_strerror() describes.
 *
 * A manager (manager.h) keeps the limits and files; a cursor (cursor.h) pins one window of a
 * file at a time; a buffer (buffer.h) hides the windows; fetch.h reads ahead. window.h has window
 * arithmetic, status.h the status codes, trace.h the trace of accesses.
 */
#ifndef SMMAP_H
#define SMMAP_H

#include "smmap/buffer.h"
#include "smmap/cursor.h"
#include "smmap/export.h"
#include "smmap/fetch.h"
#include "smmap/manager.h"
#include "smmap/status.h"
#include "smmap/trace.h"
#include "smmap/version.h"
#include "smmap/window.h"

#endif
