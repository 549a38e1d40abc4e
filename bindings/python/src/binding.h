/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the extension share: the four types, and the functions between them.
 *
 * Threads. Every function runs with the GIL but where it says that it lets it go. A C cursor is for
 * one thread at a time, so who lets the GIL go marks the map that owns it (map_begin), and who
 * finds it marked waits. A hit keeps the GIL.
 *
 * Pins. A window stays mapped while a C cursor is on it. A Map owns one, and every memoryview of
 * the window is a view of that Map. A Cursor moves its map's C cursor only while nobody else has
 * the map; otherwise it leaves the map to them and takes a new one.
 */
#ifndef SMMAP_PYTHON_BINDING_H
#define SMMAP_PYTHON_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <smmap/smmap.h>

/* The bytes of one window, or some of them. */
typedef struct Map {
    PyObject_HEAD smmap_cursor_t *cursor; /* NULL: released (a region's) */
    smmap_cursor_t *reader;               /* copies while there are views; made when it is needed */
    PyObject *name;                       /* path or descriptor as it was given, for errors */
    PyObject *manager;                    /* kept as long as the window is */
    apr_off_t begin;                      /* of the bytes, in the file */
    apr_size_t size;
    apr_size_t view_at; /* of the view that is being made, in the bytes */
    apr_size_t view_size;
    Py_ssize_t exports; /* views */
    PyThread_type_lock lock;
    unsigned busy_fork; /* see map_wait() */
    int busy;           /* a thread without the GIL uses `cursor` or `reader` */
} Map;

typedef struct Manager {
    PyObject_HEAD smmap_manager_t *manager;
    PyObject *cursor_class;
    apr_size_t most;        /* that a cursor shows at a time; 0: no limit */
    Py_ssize_t max_handles; /* as given */
    int is_sliding;
} Manager;

typedef struct Cursor {
    PyObject_HEAD Manager *manager; /* NULL: it was made without one */
    Map *map;                       /* NULL: on no file */
    apr_off_t offset;               /* of the bytes it shows, in the file */
    apr_size_t size;                /* 0: it shows none */
} Cursor;

extern PyTypeObject Map_Type;
extern PyTypeObject Manager_Type;
extern PyTypeObject Cursor_Type;
extern PyTypeObject Region_Type;
extern PyTypeObject Buffer_Type;

/* Bytes from which on a copy lets the GIL go. */
#define LONG_COPY ((apr_size_t)256 * 1024)

/* error.c */

/* Set the exception for a status. `name`: the file, or NULL. Returns NULL. */
void *raise_status(apr_status_t status, PyObject *name);

/* map.c */

/* A map of nothing yet; takes over the C cursor, also when it fails. */
Map *map_new(smmap_cursor_t *cursor, PyObject *name, PyObject *manager);
/* Another one, on the same file and window. */
Map *map_copy(const Map *map);
/* Wait until no thread uses it. 0, or -1 with an exception. */
int map_wait(Map *map);
/* Between these two the GIL may be let go; the map is kept. */
int map_begin(Map *map);
void map_end(Map *map);
/* The map shows all of the window that its C cursor is on. */
void map_show_window(Map *map);
/* Have the window with all bytes pinned, if a failed read let go of it. */
int map_restore(Map *map);
/* Copy bytes of the file. 0, or -1 with an exception. The C cursor may move. */
int map_read(Map *map, apr_off_t offset, void *to, apr_size_t size);
/* A memoryview of some of the bytes. */
PyObject *map_view(Map *map, apr_size_t at, apr_size_t size);
/* Bytes, read. */
PyObject *map_read_bytes(Map *map, apr_off_t offset, apr_size_t size);
/* Every `step`th of the bytes from `offset` on. */
PyObject *map_read_steps(Map *map, apr_off_t offset, Py_ssize_t step, Py_ssize_t count);
/* Called in a forked child. */
void map_forked(void);

/* cursor.c */

/* A cursor on a path or descriptor. */
PyObject *cursor_open(PyTypeObject *type, Manager *manager, PyObject *name);
/* A C cursor on it. */
smmap_cursor_t *open_named(smmap_manager_t *manager, PyObject *name);
/* Move. 1: it shows bytes; 0: the offset is past the end; -1: an exception. */
int cursor_use(Cursor *self, apr_off_t offset, apr_size_t size);
/* Have a map that nobody else has, for a move or a read. 0, or -1 with an exception. */
int cursor_own(Cursor *self);
int cursor_unuse(Cursor *self);
/* After a read, which may have moved the C cursor: show what it is on. */
void cursor_follow(Cursor *self);
/* On no file any more. */
int cursor_close(Cursor *self);
/* On the file and window of another cursor. */
int cursor_assign(Cursor *self, const Cursor *from);
/* Put it on a file; what it was on is let go. */
int cursor_enter(Cursor *self, Manager *manager, PyObject *name);
/* Raises ValueError if it is on no file. */
int cursor_check(const Cursor *self);
/* Have a map that no thread uses. 0, or -1 with an exception. */
int cursor_settle(const Cursor *self);

/* cursor_methods.c */

/* The arguments (offset=0, size=0, flags=0). 0, or -1 with an exception. */
int parse_range(PyObject *const *args, Py_ssize_t count, PyObject *names, apr_off_t *offset,
                apr_off_t *size);

/* region.c */

PyObject *region_of(const Map *map);

/* manager.c */

/* An offset or a size, which is not negative. 0, or -1 with an exception. */
int parse_offset(PyObject *value, const char *what, apr_off_t *offset);

#endif
