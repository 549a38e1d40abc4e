/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SlidingWindowMapBuffer: a range of a file that hides the windows.
 *
 * It reads with the cursor that it was given, which therefore moves. Index 0 is the first byte of
 * the range.
 */
#include "binding.h"

typedef struct Buffer {
    PyObject_HEAD Cursor *cursor; /* NULL: none */
    apr_off_t begin;
    apr_off_t size; /* of the range; 0: there is none, or it is empty */
    int is_open;
} Buffer;

/* Let go of the cursor's window. Waiting for it, another thread can give us another cursor. */
static int unuse(const Buffer *self)
{
    Cursor *cursor = (Cursor *)Py_XNewRef((PyObject *)self->cursor);
    int answer = cursor != NULL ? cursor_unuse(cursor) : 0;

    Py_XDECREF(cursor);
    return answer;
}

/* 1: done, 0: not possible, -1: an exception. */
static int begin_access(Buffer *self, PyObject *cursor, apr_off_t offset, apr_off_t size)
{
    apr_off_t rest;
    Cursor *used;
    int answer;

    self->size = 0;
    self->is_open = 0;
    if (cursor != Py_None) {
        if (!PyObject_TypeCheck(cursor, &Cursor_Type)) {
            PyErr_Format(PyExc_TypeError, "a WindowCursor is wanted, not %.100s",
                         Py_TYPE(cursor)->tp_name);
            return -1;
        }
        if ((PyObject *)self->cursor != cursor && unuse(self) < 0) {
            return -1;
        }
        Py_XSETREF(self->cursor, (Cursor *)Py_NewRef(cursor));
    }
    if (self->cursor == NULL || self->cursor->map == NULL) {
        return 0;
    }
    used = (Cursor *)Py_NewRef((PyObject *)self->cursor);
    answer = cursor_use(used, offset, (apr_size_t)size);
    if (answer == 1 && self->cursor == used) {
        rest = smmap_cursor_file_size(used->map->cursor) - offset;
        self->begin = offset;
        self->size = size < rest ? size : rest;
        self->is_open = 1;
    }
    Py_DECREF(used);
    return answer;
}

static int parse(PyObject *args, PyObject *kwargs, PyObject **cursor, apr_off_t *offset,
                 apr_off_t *size)
{
    static char *names[] = {"cursor", "offset", "size", "flags", NULL};
    PyObject *offset_given = NULL;
    PyObject *size_given = NULL;
    PyObject *flags;

    *cursor = Py_None;
    *offset = 0;
    *size = PY_SSIZE_T_MAX;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOO", names, cursor, &offset_given,
                                     &size_given, &flags)) {
        return -1;
    }
    return (offset_given != NULL && parse_offset(offset_given, "offset", offset) < 0) ||
                   (size_given != NULL && parse_offset(size_given, "size", size) < 0)
               ? -1
               : 0;
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    PyObject *cursor;
    apr_off_t offset;
    apr_off_t size;
    int answer;

    if (parse(args, kwargs, &cursor, &offset, &size) < 0) {
        return -1;
    }
    answer = begin_access((Buffer *)object, cursor, offset, size);
    if (answer == 0 && cursor != Py_None) {
        PyErr_SetString(PyExc_ValueError,
                        "the cursor is on no file, or the offset is past the end of the file");
        return -1;
    }
    return answer < 0 ? -1 : 0;
}

static PyObject *begin_access_method(PyObject *object, PyObject *args, PyObject *kwargs)
{
    PyObject *cursor;
    apr_off_t offset;
    apr_off_t size;
    int answer;

    if (parse(args, kwargs, &cursor, &offset, &size) < 0) {
        return NULL;
    }
    answer = begin_access((Buffer *)object, cursor, offset, size);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *end_access(PyObject *object, PyObject *unused)
{
    Buffer *self = (Buffer *)object;

    (void)unused;
    self->size = 0;
    self->is_open = 0;
    if (unuse(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *leave(PyObject *object, PyObject *args)
{
    (void)args;
    return end_access(object, NULL);
}

static PyObject *enter(PyObject *object, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(object);
}

static PyObject *cursor(PyObject *object, PyObject *unused)
{
    const Buffer *self = (Buffer *)object;

    (void)unused;
    return Py_NewRef(self->cursor != NULL ? (PyObject *)self->cursor : Py_None);
}

static int check(const Buffer *self)
{
    if (!self->is_open) {
        PyErr_SetString(PyExc_ValueError, "the buffer has no range: call begin_access() first");
        return -1;
    }
    return 0;
}

static Py_ssize_t length(PyObject *object)
{
    return (Py_ssize_t)((Buffer *)object)->size;
}

/* A byte that the pinned window holds, in as few steps as can be; -1: go the long way. */
static int quick_byte(Cursor *cursor, apr_off_t offset)
{
    Map *map = cursor->map;
    unsigned char byte;
    apr_size_t got;

    if (map == NULL || map->busy || Py_REFCNT(map) > 1 ||
        smmap_cursor_at(map->cursor, offset) == NULL ||
        smmap_cursor_read(map->cursor, offset, &byte, 1, &got) != APR_SUCCESS) {
        return -1;
    }
    cursor_follow(cursor); /* a fault can have cost it the window */
    return got == 1 ? byte : -1;
}

static PyObject *item(PyObject *object, Py_ssize_t index)
{
    const Buffer *self = (Buffer *)object;
    Cursor *cursor = self->cursor;
    unsigned char byte;
    int answer;

    if (check(self) < 0) {
        return NULL;
    }
    if (index < 0 || index >= self->size) {
        PyErr_SetString(PyExc_IndexError, "index out of range");
        return NULL;
    }
    answer = quick_byte(cursor, self->begin + index);
    if (answer >= 0) {
        return PyLong_FromLong(answer);
    }
    Py_INCREF(cursor);
    answer = cursor_own(cursor);
    if (answer == 0) {
        answer = map_read(cursor->map, self->begin + index, &byte, 1);
        cursor_follow(cursor);
    }
    Py_DECREF(cursor);
    return answer < 0 ? NULL : PyLong_FromLong(byte);
}

static PyObject *copied(Cursor *cursor, apr_off_t offset, Py_ssize_t step, Py_ssize_t count)
{
    PyObject *bytes;

    if (cursor_own(cursor) < 0) {
        return NULL;
    }
    bytes = step == 1 ? map_read_bytes(cursor->map, offset, (apr_size_t)count)
                      : map_read_steps(cursor->map, offset, step, count);
    cursor_follow(cursor);
    return bytes;
}

/* A view if all is in one window, otherwise a copy. */
static PyObject *piece(Cursor *cursor, apr_off_t offset, Py_ssize_t step, Py_ssize_t count)
{
    if (step != 1 || count == 0) {
        return copied(cursor, offset, step, count);
    }
    switch (cursor_use(cursor, offset, (apr_size_t)count)) {
    case 1:
        if (cursor->size < (apr_size_t)count) {
            return copied(cursor, offset, step, count);
        }
        return map_view(cursor->map, (apr_size_t)(offset - cursor->map->begin), (apr_size_t)count);
    case 0:
        return raise_status(SMMAP_ETRUNCATED, cursor->map->name);
    default:
        return NULL;
    }
}

static PyObject *subscript(PyObject *object, PyObject *key)
{
    const Buffer *self = (Buffer *)object;
    Cursor *cursor = self->cursor;
    Py_ssize_t start, stop, step, count;
    PyObject *made;

    if (PyLong_CheckExact(key)) {
        start = PyLong_AsSsize_t(key); /* what is asked most, and faster */
        if (start != -1 || !PyErr_Occurred()) {
            return item(object, start < 0 ? start + (Py_ssize_t)self->size : start);
        }
        PyErr_Clear();
    }
    if (PyIndex_Check(key)) {
        start = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (start == -1 && PyErr_Occurred()) {
            return NULL;
        }
        return item(object, start < 0 ? start + (Py_ssize_t)self->size : start);
    }
    if (!PySlice_Check(key)) {
        return PyErr_Format(PyExc_TypeError, "indices must be integers or slices, not %.100s",
                            Py_TYPE(key)->tp_name);
    }
    if (PySlice_Unpack(key, &start, &stop, &step) < 0 || check(self) < 0) {
        return NULL;
    }
    count = PySlice_AdjustIndices((Py_ssize_t)self->size, &start, &stop, step);
    Py_INCREF(cursor);
    made = piece(cursor, self->begin + start, step, count);
    Py_DECREF(cursor);
    return made;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(((Buffer *)object)->cursor);
    return 0;
}

static int clear(PyObject *object)
{
    Py_CLEAR(((Buffer *)object)->cursor);
    ((Buffer *)object)->is_open = 0;
    return 0;
}

static void dealloc(PyObject *object)
{
    Buffer *self = (Buffer *)object;
    PyObject *type, *value, *trace;

    PyObject_GC_UnTrack(object);
    if (self->cursor != NULL && Py_REFCNT(self->cursor) > 1) {
        PyErr_Fetch(&type, &value, &trace);
        if (unuse(self) < 0) {
            PyErr_WriteUnraisable(NULL);
        }
        PyErr_Restore(type, value, trace);
    }
    Py_CLEAR(self->cursor);
    Py_TYPE(object)->tp_free(object);
}

static PySequenceMethods sequence = {.sq_length = length, .sq_item = item};
static PyMappingMethods mapping = {length, subscript, NULL};

#define FAST(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef methods[] = {
    {"begin_access", FAST(begin_access_method), METH_VARARGS | METH_KEYWORDS,
     "begin_access(cursor=None, offset=0, size=sys.maxsize, flags=0)\n--\n\n"
     "Put the buffer on a range of the cursor's file; without a cursor, of the one that it has.\n"
     "False: there is no cursor on a file, or the offset is past the end. flags is ignored."},
    {"end_access", end_access, METH_NOARGS,
     "end_access()\n--\n\nGive up the range, and the cursor's window; the cursor stays."},
    {"cursor", cursor, METH_NOARGS, "cursor()\n--\n\nThe cursor that it reads with, or None."},
    {"__enter__", enter, METH_NOARGS, NULL},
    {"__exit__", leave, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};

PyDoc_STRVAR(
    doc, "SlidingWindowMapBuffer(cursor=None, offset=0, size=sys.maxsize, flags=0)\n--\n\n"
         "A range of a file that reads as one piece. buf[i] is an int. buf[i:j] is a memoryview\n"
         "if the bytes are in one window, which stays mapped as long as the view is there, and\n"
         "bytes otherwise; with a step it is bytes. As a context manager it ends access.");

PyTypeObject Buffer_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "smmap._smmap.SlidingWindowMapBuffer",
    .tp_basicsize = sizeof(Buffer),
    .tp_dealloc = dealloc,
    .tp_traverse = traverse,
    .tp_clear = clear,
    .tp_as_sequence = &sequence,
    .tp_as_mapping = &mapping,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = doc,
    .tp_methods = methods,
    .tp_init = init,
    .tp_new = PyType_GenericNew,
};
