/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a WindowCursor does; its methods are in cursor_methods.c.
 *
 * The bytes that it shows are in its map's window. A cursor that was not moved yet, or past the end
 * of the file, shows none; then its map is there for its C cursor alone.
 */
#include "binding.h"

#include <string.h>

int cursor_check(const Cursor *self)
{
    if (self->map == NULL) {
        PyErr_SetString(PyExc_ValueError, "the cursor is on no file");
        return -1;
    }
    return 0;
}

int cursor_settle(const Cursor *self)
{
    do {
        if (cursor_check(self) < 0 || map_wait(self->map) < 0) {
            return -1;
        }
    } while (self->map == NULL || self->map->busy);
    return 0;
}

int cursor_own(Cursor *self)
{
    Map *copy;

    if (cursor_settle(self) < 0) {
        return -1;
    }
    if (Py_REFCNT(self->map) == 1) {
        return 0;
    }
    copy = map_copy(self->map);
    if (copy == NULL) {
        return -1;
    }
    Py_SETREF(self->map, copy);
    return 0;
}

smmap_cursor_t *open_named(smmap_manager_t *manager, PyObject *name)
{
    smmap_cursor_t *cursor;
    PyObject *path = NULL;
    const char *text = NULL;
    Py_ssize_t length = 0;
    apr_status_t status;
    int overflow;
    long fd;

    if (PyLong_Check(name)) {
        fd = PyLong_AsLongAndOverflow(name, &overflow);
        if (overflow != 0 || fd < 0 || fd > INT_MAX) {
            PyErr_SetString(PyExc_ValueError, "not a file descriptor");
            return NULL;
        }
        Py_BEGIN_ALLOW_THREADS status =
            smmap_cursor_open_handle(&cursor, manager, (apr_os_file_t)fd, NULL);
        Py_END_ALLOW_THREADS return status == APR_SUCCESS ? cursor : raise_status(status, name);
    }
    if (PyUnicode_CheckExact(name) && PyUnicode_IS_ASCII(name)) {
        text = PyUnicode_AsUTF8AndSize(name, &length);
        if (strlen(text) != (size_t)length) {
            PyErr_SetString(PyExc_ValueError, "embedded null character");
            return NULL;
        }
    } else {
        if (!PyUnicode_FSConverter(name, &path)) {
            return NULL;
        }
        text = PyBytes_AS_STRING(path);
    }
    status = smmap_cursor_open_known(&cursor, manager, text, NULL);
    if (status != APR_SUCCESS) {
        Py_BEGIN_ALLOW_THREADS status =
            text[0] != '\0' ? smmap_cursor_open(&cursor, manager, text, NULL) : APR_ENOENT;
        Py_END_ALLOW_THREADS
    }
    Py_XDECREF(path);
    return status == APR_SUCCESS ? cursor : raise_status(status, name);
}

int cursor_enter(Cursor *self, Manager *manager, PyObject *name)
{
    smmap_cursor_t *cursor = open_named(manager->manager, name);
    Map *map = cursor != NULL ? map_new(cursor, name, (PyObject *)manager) : NULL;

    if (map == NULL || cursor_close(self) < 0) {
        Py_XDECREF(map);
        return -1;
    }
    Py_XSETREF(self->map, map);
    Py_XSETREF(self->manager, (Manager *)Py_NewRef((PyObject *)manager));
    return 0;
}

PyObject *cursor_open(PyTypeObject *type, Manager *manager, PyObject *name)
{
    Cursor *self = (Cursor *)type->tp_alloc(type, 0);

    if (self == NULL) {
        return NULL;
    }
    if (cursor_enter(self, manager, name) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* The C cursor has moved to an offset; show up to `size` bytes from it on. */
static int show(Cursor *self, Map *map, apr_status_t status, apr_off_t offset, apr_size_t size)
{
    apr_size_t rest;

    if (status == APR_SUCCESS) {
        map_show_window(map);
        rest = map->size - (apr_size_t)(offset - map->begin);
        self->offset = offset;
        self->size = size != 0 && size < rest ? size : rest;
        return 1;
    }
    self->size = 0;
    map->size = 0;
    if (APR_STATUS_IS_EOF(status)) {
        return 0;
    }
    raise_status(status, map->name);
    return -1;
}

int cursor_use(Cursor *self, apr_off_t offset, apr_size_t size)
{
    apr_status_t status;
    Map *map;
    int answer;

    if (cursor_settle(self) < 0) {
        return -1;
    }
    map = self->map;
    if (self->manager->most != 0 && (size == 0 || size > self->manager->most)) {
        size = self->manager->most;
    }
    if (Py_REFCNT(map) > 1) {
        /* In the same window others may keep the map, as it is. */
        if (smmap_cursor_at(map->cursor, offset) != NULL &&
            map->begin == map->cursor->window_begin && map->size == map->cursor->window_size &&
            offset < smmap_cursor_file_size(map->cursor)) {
            return show(self, map, APR_SUCCESS, offset, size);
        }
        if (cursor_own(self) < 0) {
            return -1;
        }
        map = self->map;
    }
    status = smmap_cursor_try_use(map->cursor, offset, size);
    if (status == APR_SUCCESS) {
        return show(self, map, status, offset, size);
    }
    if (map_begin(map) < 0) {
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_cursor_use(map->cursor, offset, size);
    Py_END_ALLOW_THREADS answer = show(self, map, status, offset, size);
    map_end(map);
    return answer;
}

int cursor_unuse(Cursor *self)
{
    if (self->map == NULL) {
        self->size = 0;
        return 0;
    }
    if (cursor_settle(self) < 0) {
        return -1;
    }
    self->size = 0;
    if (Py_REFCNT(self->map) > 1 && cursor_own(self) < 0) {
        return -1;
    }
    smmap_cursor_release(self->map->cursor);
    self->map->size = 0;
    return 0;
}

void cursor_follow(Cursor *self)
{
    const smmap_cursor_t *cursor;

    /* An exception that was raised meanwhile can have let another thread in. */
    if (self->map == NULL || self->map->busy) {
        return;
    }
    cursor = self->map->cursor;
    if (cursor->window_size != self->map->size || cursor->window_begin != self->map->begin) {
        map_show_window(self->map);
        self->offset = smmap_cursor_offset(cursor);
        self->size = smmap_cursor_size(cursor);
    }
}

int cursor_close(Cursor *self)
{
    if (self->map != NULL) {
        if (cursor_settle(self) < 0) {
            return -1;
        }
        Py_CLEAR(self->map);
    }
    self->size = 0;
    return 0;
}

int cursor_assign(Cursor *self, const Cursor *from)
{
    Map *map = NULL;
    Manager *manager;
    apr_off_t offset;
    apr_size_t size;

    if (self == from) {
        return 0;
    }
    if (from->map != NULL) {
        if (cursor_settle(from) < 0) {
            return -1;
        }
        map = map_copy(from->map);
        if (map == NULL) {
            return -1;
        }
    }
    /* Now, as closing ours can let other threads run. */
    manager = (Manager *)Py_XNewRef((PyObject *)from->manager);
    offset = from->offset;
    size = map != NULL ? from->size : 0;
    if (cursor_close(self) < 0) {
        Py_XDECREF(map);
        Py_XDECREF(manager);
        return -1;
    }
    self->offset = offset;
    self->size = size;
    Py_XSETREF(self->manager, manager);
    Py_XSETREF(self->map, map);
    return 0;
}
