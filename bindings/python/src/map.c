/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Map: bytes of one window, with a C cursor that pins it.
 *
 * It is what mmap.mmap is in smmap: it has a length, an index gives an int, a slice bytes, and it
 * exports its memory. Indexes and slices are guarded copies. While there are views the C cursor
 * does not move, and copies are made by another one: a copy that meets a fault lets go of the
 * window.
 */
#include "binding.h"

#include <string.h>

/* Forks so far, as this process has seen them. */
static unsigned forks;

void map_forked(void)
{
    forks++;
}

Map *map_new(smmap_cursor_t *cursor, PyObject *name, PyObject *manager)
{
    Map *map = (Map *)Map_Type.tp_alloc(&Map_Type, 0);

    if (map == NULL) {
        smmap_cursor_close(cursor);
        return NULL;
    }
    map->cursor = cursor;
    map->name = Py_NewRef(name);
    map->manager = Py_NewRef(manager);
    return map;
}

Map *map_copy(const Map *map)
{
    smmap_cursor_t *cursor;
    apr_status_t status = smmap_cursor_copy(&cursor, map->cursor, NULL);
    Map *copy;

    if (status != APR_SUCCESS) {
        return raise_status(status, map->name);
    }
    copy = map_new(cursor, map->name, map->manager);
    if (copy != NULL) {
        copy->begin = map->begin;
        copy->size = map->size;
    }
    return copy;
}

/* A thread that is in a call when another one forks is not there in the child, and leaves the C
   cursor as it was just then. */
int map_wait(Map *map)
{
    int answer = 0;

    if (!map->busy) {
        return 0;
    }
    Py_INCREF(map);
    while (answer == 0 && map->busy) {
        if (map->busy_fork != forks) {
            PyErr_SetString(PyExc_RuntimeError,
                            "another thread was using this cursor when the process was forked");
            answer = -1;
        } else {
            Py_BEGIN_ALLOW_THREADS PyThread_acquire_lock(map->lock, WAIT_LOCK);
            PyThread_release_lock(map->lock);
            Py_END_ALLOW_THREADS
        }
    }
    Py_DECREF(map);
    return answer;
}

int map_begin(Map *map)
{
    if (map->lock == NULL) {
        map->lock = PyThread_allocate_lock();
        if (map->lock == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    Py_INCREF(map);
    PyThread_acquire_lock(map->lock, WAIT_LOCK);
    map->busy = 1;
    map->busy_fork = forks;
    return 0;
}

void map_end(Map *map)
{
    map->busy = 0;
    PyThread_release_lock(map->lock);
    Py_DECREF(map);
}

void map_show_window(Map *map)
{
    map->begin = map->cursor->window_begin;
    map->size = map->cursor->window_size;
}

/* Does the C cursor's window hold these bytes? */
static int holds(const smmap_cursor_t *cursor, apr_off_t offset, apr_size_t size)
{
    return smmap_cursor_at(cursor, offset) != NULL &&
           cursor->window_size - (apr_size_t)(offset - cursor->window_begin) >= size;
}

int map_restore(Map *map)
{
    apr_status_t status;

    if (map_wait(map) < 0) {
        return -1;
    }
    if (map->size == 0) {
        return 0;
    }
    if (holds(map->cursor, map->begin, map->size)) {
        return 0;
    }
    if (map_begin(map) < 0) {
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_cursor_require(map->cursor, map->begin, map->size);
    Py_END_ALLOW_THREADS map_end(map);
    if (status != APR_SUCCESS) {
        raise_status(APR_STATUS_IS_EOF(status) ? SMMAP_ETRUNCATED : status, map->name);
        return -1;
    }
    return 0;
}

static apr_status_t read_all(smmap_cursor_t *cursor, apr_off_t offset, void *to, apr_size_t size)
{
    apr_size_t got = 0;
    apr_status_t status = smmap_cursor_read(cursor, offset, to, size, &got);

    if (APR_STATUS_IS_EOF(status) || (status == APR_SUCCESS && got < size)) {
        return SMMAP_ETRUNCATED;
    }
    return status;
}

/* The C cursor to copy with. */
static smmap_cursor_t *reader_of(Map *map)
{
    apr_status_t status;

    if (map->exports == 0) {
        return map->cursor;
    }
    if (map->reader == NULL) {
        status = smmap_cursor_copy(&map->reader, map->cursor, NULL);
        if (status != APR_SUCCESS) {
            return raise_status(status, map->name);
        }
    }
    return map->reader;
}

int map_read(Map *map, apr_off_t offset, void *to, apr_size_t size)
{
    smmap_cursor_t *cursor;
    apr_status_t status;

    if (map_wait(map) < 0) {
        return -1;
    }
    cursor = reader_of(map);
    if (cursor == NULL) {
        return -1;
    }
    if (size < LONG_COPY && (holds(cursor, offset, size) ||
                             (smmap_cursor_try_use(cursor, offset, size) == APR_SUCCESS &&
                              holds(cursor, offset, size)))) {
        status = read_all(cursor, offset, to, size);
    } else {
        if (map_begin(map) < 0) {
            return -1;
        }
        Py_BEGIN_ALLOW_THREADS status = read_all(cursor, offset, to, size);
        Py_END_ALLOW_THREADS map_end(map);
    }
    if (cursor != map->cursor) {
        smmap_cursor_release(cursor);
    }
    if (status != APR_SUCCESS) {
        raise_status(status, map->name);
        return -1;
    }
    return 0;
}

PyObject *map_read_bytes(Map *map, apr_off_t offset, apr_size_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);

    if (bytes != NULL && size != 0 && map_read(map, offset, PyBytes_AS_STRING(bytes), size) < 0) {
        Py_CLEAR(bytes);
    }
    return bytes;
}

PyObject *map_read_steps(Map *map, apr_off_t offset, Py_ssize_t step, Py_ssize_t count)
{
    /* Up to which distance a run of bytes is read, of which some are taken. */
    enum { RUN = 65536, NEAR = 64 };
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count);
    Py_ssize_t distance = step < 0 ? -step : step;
    Py_ssize_t some = distance < NEAR ? RUN / distance : 1;
    unsigned char run[RUN];
    char *to;

    if (bytes == NULL) {
        return NULL;
    }
    to = PyBytes_AS_STRING(bytes);
    while (count > 0) {
        Py_ssize_t now = count < some ? count : some;
        Py_ssize_t length = (now - 1) * distance + 1;
        apr_off_t first = step < 0 ? offset - (length - 1) : offset;
        Py_ssize_t i;

        if (map_read(map, first, run, (apr_size_t)length) < 0) {
            Py_DECREF(bytes);
            return NULL;
        }
        for (i = 0; i < now; i++) {
            *to++ = (char)run[step < 0 ? length - 1 - i * distance : i * distance];
        }
        count -= now;
        offset += now * step;
    }
    return bytes;
}

PyObject *map_view(Map *map, apr_size_t at, apr_size_t size)
{
    PyObject *view = NULL;
    const char *bytes;
    int is_right = 0;

    /* Allocating can collect garbage, and that run other threads: they find the map in use. */
    Py_INCREF(map);
    while (!is_right && map_restore(map) == 0) {
        bytes = (const char *)smmap_cursor_at(map->cursor, map->begin) + at;
        map->view_at = at;
        map->view_size = size;
        view = PyMemoryView_FromObject((PyObject *)map);
        map->view_size = 0;
        if (view == NULL) {
            break;
        }
        is_right = PyMemoryView_GET_BUFFER(view)->buf == bytes &&
                   PyMemoryView_GET_BUFFER(view)->len == (Py_ssize_t)size;
        if (!is_right) {
            Py_CLEAR(view);
        }
    }
    Py_DECREF(map);
    return view;
}

static int getbuffer(PyObject *object, Py_buffer *view, int flags)
{
    Map *map = (Map *)object;
    apr_size_t at = map->view_size != 0 ? map->view_at : 0;
    apr_size_t size = map->view_size != 0 ? map->view_size : map->size;
    const unsigned char *bytes;

    if (map_restore(map) < 0) {
        view->obj = NULL;
        return -1;
    }
    bytes = smmap_cursor_at(map->cursor, map->begin);
    if (PyBuffer_FillInfo(view, object, (void *)(apr_uintptr_t)(bytes + at), (Py_ssize_t)size, 1,
                          flags) < 0) {
        return -1;
    }
    map->exports++;
    return 0;
}

static void releasebuffer(PyObject *object, Py_buffer *view)
{
    (void)view;
    ((Map *)object)->exports--;
}

static Py_ssize_t length(PyObject *object)
{
    return (Py_ssize_t)((Map *)object)->size;
}

static PyObject *item(PyObject *object, Py_ssize_t index)
{
    Map *map = (Map *)object;
    unsigned char byte;

    if (index < 0 || (apr_size_t)index >= map->size) {
        PyErr_SetString(PyExc_IndexError, "index out of range");
        return NULL;
    }
    return map_read(map, map->begin + index, &byte, 1) < 0 ? NULL : PyLong_FromLong(byte);
}

static PyObject *subscript(PyObject *object, PyObject *key)
{
    Map *map = (Map *)object;
    Py_ssize_t size = (Py_ssize_t)map->size;
    Py_ssize_t start, stop, step, count;

    if (PyIndex_Check(key)) {
        start = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (start == -1 && PyErr_Occurred()) {
            return NULL;
        }
        return item(object, start < 0 ? start + size : start);
    }
    if (!PySlice_Check(key)) {
        return PyErr_Format(PyExc_TypeError, "indices must be integers or slices, not %.100s",
                            Py_TYPE(key)->tp_name);
    }
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) {
        return NULL;
    }
    count = PySlice_AdjustIndices(size, &start, &stop, step);
    return step == 1 ? map_read_bytes(map, map->begin + start, (apr_size_t)count)
                     : map_read_steps(map, map->begin + start, step, count);
}

static void dealloc(PyObject *object)
{
    Map *map = (Map *)object;

    smmap_cursor_close(map->reader);
    smmap_cursor_close(map->cursor);
    if (map->lock != NULL) {
        PyThread_free_lock(map->lock);
    }
    Py_XDECREF(map->name);
    Py_XDECREF(map->manager);
    Py_TYPE(object)->tp_free(object);
}

static PyBufferProcs buffer_procs = {getbuffer, releasebuffer};
static PySequenceMethods sequence = {.sq_length = length, .sq_item = item};
static PyMappingMethods mapping = {length, subscript, NULL};

PyDoc_STRVAR(doc, "The bytes of a window. An index gives an int, a slice bytes; both are guarded\n"
                  "copies. memoryview(map) is the memory itself, which stays mapped meanwhile.");

PyTypeObject Map_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "smmap._smmap.Map",
    .tp_basicsize = sizeof(Map),
    .tp_dealloc = dealloc,
    .tp_as_sequence = &sequence,
    .tp_as_mapping = &mapping,
    .tp_as_buffer = &buffer_procs,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = doc,
};
