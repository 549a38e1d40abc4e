/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WindowCursor: the methods and the type.
 */
#include "binding.h"

/* The arguments of use_region(), by position or name: faster than PyArg_Parse*. */
int parse_range(PyObject *const *args, Py_ssize_t count, PyObject *names, apr_off_t *offset,
                apr_off_t *size)
{
    static const char *const known[] = {"offset", "size", "flags"};
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    apr_off_t values[3] = {0, 0, 0};
    int given[3] = {0, 0, 0};
    Py_ssize_t i;
    int which;

    if (count == 2 && named == 0) {
        return parse_offset(args[0], "offset", offset) < 0 ||
                       parse_offset(args[1], "size", size) < 0
                   ? -1
                   : 0;
    }
    if (count > 3) {
        PyErr_SetString(PyExc_TypeError, "at most 3 arguments: offset, size, flags");
        return -1;
    }
    for (i = 0; i < count + named; i++) {
        which = (int)i;
        if (i >= count) {
            PyObject *name = PyTuple_GET_ITEM(names, i - count);

            for (which = 0; which < 3; which++) {
                if (PyUnicode_CompareWithASCIIString(name, known[which]) == 0) {
                    break;
                }
            }
            if (which == 3 || given[which]) {
                PyErr_Format(PyExc_TypeError, "no such argument, or given twice: %U", name);
                return -1;
            }
        }
        given[which] = 1;
        if (parse_offset(args[i], known[which], &values[which]) < 0) {
            return -1;
        }
    }
    *offset = values[0];
    *size = values[1];
    return 0;
}

static PyObject *use_region(PyObject *object, PyObject *const *args, Py_ssize_t count,
                            PyObject *names)
{
    apr_off_t offset;
    apr_off_t size;

    if (parse_range(args, count, names, &offset, &size) < 0 ||
        cursor_use((Cursor *)object, offset, (apr_size_t)size) < 0) {
        return NULL;
    }
    return Py_NewRef(object);
}

static PyObject *unuse_region(PyObject *object, PyObject *unused)
{
    (void)unused;
    if (cursor_unuse((Cursor *)object) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* The cursor, if it shows bytes. */
static Cursor *on_window(PyObject *object)
{
    Cursor *self = (Cursor *)object;

    if (cursor_settle(self) < 0) {
        return NULL;
    }
    if (self->size == 0) {
        PyErr_SetString(PyExc_ValueError, "the cursor is on no window: call use_region() first");
        return NULL;
    }
    return self;
}

static PyObject *buffer(PyObject *object, PyObject *unused)
{
    Cursor *self = on_window(object);

    (void)unused;
    return self == NULL
               ? NULL
               : map_view(self->map, (apr_size_t)(self->offset - self->map->begin), self->size);
}

static PyObject *map(PyObject *object, PyObject *unused)
{
    Cursor *self = on_window(object);

    (void)unused;
    return self != NULL ? Py_NewRef((PyObject *)self->map) : NULL;
}

static PyObject *read_bytes(PyObject *object, PyObject *args)
{
    Cursor *self = (Cursor *)object;
    apr_off_t offset;
    apr_off_t size;
    apr_off_t rest;
    PyObject *offset_given;
    PyObject *size_given;
    PyObject *bytes;

    if (!PyArg_ParseTuple(args, "OO:read", &offset_given, &size_given) ||
        parse_offset(offset_given, "offset", &offset) < 0 ||
        parse_offset(size_given, "size", &size) < 0 || cursor_own(self) < 0) {
        return NULL;
    }
    rest = smmap_cursor_file_size(self->map->cursor) - offset;
    if (rest < 0) {
        rest = 0;
    }
    bytes = map_read_bytes(self->map, offset, (apr_size_t)(size < rest ? size : rest));
    cursor_follow(self);
    return bytes;
}

static PyObject *refresh(PyObject *object, PyObject *unused)
{
    Cursor *self = (Cursor *)object;
    apr_status_t status;
    Map *map;

    (void)unused;
    if (cursor_settle(self) < 0) {
        return NULL;
    }
    map = self->map;
    if (map_begin(map) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_cursor_refresh(map->cursor);
    Py_END_ALLOW_THREADS map_end(map);
    return status == APR_SUCCESS ? PyLong_FromLongLong(smmap_cursor_file_size(map->cursor))
                                 : raise_status(status, map->name);
}

static PyObject *is_valid(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((Cursor *)object)->size != 0);
}

static PyObject *is_associated(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((Cursor *)object)->map != NULL);
}

static PyObject *size(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromSize_t(((Cursor *)object)->size);
}

static PyObject *ofs_begin(PyObject *object, PyObject *unused)
{
    Cursor *self = on_window(object);

    (void)unused;
    return self != NULL ? PyLong_FromLongLong(self->offset) : NULL;
}

static PyObject *ofs_end(PyObject *object, PyObject *unused)
{
    Cursor *self = on_window(object);

    (void)unused;
    return self != NULL ? PyLong_FromLongLong(self->offset + (apr_off_t)self->size) : NULL;
}

static PyObject *includes_ofs(PyObject *object, PyObject *value)
{
    const Cursor *self = (Cursor *)object;
    long long offset = PyLong_AsLongLong(value);

    if (offset == -1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) {
            return NULL;
        }
        PyErr_Clear();
    }
    return PyBool_FromLong(self->size != 0 && offset >= self->offset &&
                           offset - self->offset < (long long)self->size);
}

static PyObject *region(PyObject *object, PyObject *unused)
{
    Cursor *self = (Cursor *)object;

    (void)unused;
    if (self->map != NULL && cursor_settle(self) < 0) {
        return NULL;
    }
    if (self->size == 0) {
        Py_RETURN_NONE;
    }
    return region_of(self->map);
}

static PyObject *file_size(PyObject *object, PyObject *unused)
{
    Cursor *self = (Cursor *)object;

    (void)unused;
    return cursor_check(self) == 0 ? PyLong_FromLongLong(smmap_cursor_file_size(self->map->cursor))
                                   : NULL;
}

static PyObject *path_or_fd(PyObject *object, PyObject *unused)
{
    Cursor *self = (Cursor *)object;

    (void)unused;
    return cursor_check(self) == 0 ? Py_NewRef(self->map->name) : NULL;
}

static PyObject *path(PyObject *object, PyObject *unused)
{
    PyObject *name = path_or_fd(object, unused);

    if (name != NULL && PyLong_Check(name)) {
        Py_CLEAR(name);
        PyErr_SetString(PyExc_ValueError, "the cursor is on a file descriptor, not on a path");
    }
    return name;
}

static PyObject *fd(PyObject *object, PyObject *unused)
{
    PyObject *name = path_or_fd(object, unused);

    if (name != NULL && !PyLong_Check(name)) {
        Py_CLEAR(name);
        PyErr_SetString(PyExc_ValueError, "the cursor is on a path, not on a file descriptor");
    }
    return name;
}

static PyObject *assign(PyObject *object, PyObject *from)
{
    if (!PyObject_TypeCheck(from, &Cursor_Type)) {
        return PyErr_Format(PyExc_TypeError, "a WindowCursor is wanted, not %.100s",
                            Py_TYPE(from)->tp_name);
    }
    if (cursor_assign((Cursor *)object, (Cursor *)from) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *copy(PyObject *object, PyObject *unused)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *made = type->tp_alloc(type, 0);

    (void)unused;
    if (made != NULL && cursor_assign((Cursor *)made, (Cursor *)object) < 0) {
        Py_CLEAR(made);
    }
    return made;
}

static PyObject *destroy(PyObject *object, PyObject *unused)
{
    (void)unused;
    if (cursor_close((Cursor *)object) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *enter(PyObject *object, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(object);
}

static PyObject *leave(PyObject *object, PyObject *args)
{
    (void)args;
    return destroy(object, NULL);
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"manager", "regions", NULL};
    Cursor *self = (Cursor *)object;
    PyObject *manager = Py_None;
    PyObject *regions = Py_None;
    PyObject *name;
    int answer;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:WindowCursor", names, &manager, &regions)) {
        return -1;
    }
    if (manager != Py_None && !PyObject_TypeCheck(manager, &Manager_Type)) {
        PyErr_SetString(PyExc_TypeError, "manager must be a window map manager");
        return -1;
    }
    if (regions == Py_None) {
        if (cursor_close(self) < 0) {
            return -1;
        }
        Py_XSETREF(self->manager, manager == Py_None ? NULL : (Manager *)Py_NewRef(manager));
        return 0;
    }
    if (manager == Py_None) {
        PyErr_SetString(PyExc_TypeError, "regions without a manager");
        return -1;
    }
    name = PyObject_CallMethod(regions, "path_or_fd", NULL);
    if (name == NULL) {
        return -1;
    }
    answer = cursor_enter(self, (Manager *)manager, name);
    Py_DECREF(name);
    return answer;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    const Cursor *self = (Cursor *)object;

    Py_VISIT(self->manager);
    if (self->map != NULL && Py_REFCNT(self->map) == 1) {
        Py_VISIT(self->map->manager); /* as good as our own; a map is no part of a cycle itself */
    }
    return 0;
}

static void dealloc(PyObject *object)
{
    Cursor *self = (Cursor *)object;

    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->map);
    Py_CLEAR(self->manager);
    Py_TYPE(object)->tp_free(object);
}

#define FAST(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef methods[] = {
    {"use_region", FAST(use_region), METH_FASTCALL | METH_KEYWORDS,
     "use_region(offset=0, size=0, flags=0)\n--\n\n"
     "Move to the window that holds offset and pin it. size: bytes wanted, 0 for all of the\n"
     "window; there may be fewer. Returns the cursor, which is not valid if offset is past\n"
     "the end of the file. flags is ignored."},
    {"unuse_region", unuse_region, METH_NOARGS,
     "unuse_region()\n--\n\nRelease the window; the cursor keeps its file."},
    {"buffer", buffer, METH_NOARGS,
     "buffer()\n--\n\nA memoryview of the bytes that the cursor shows, without a copy. The window\n"
     "stays mapped as long as the view is there, wherever the cursor goes."},
    {"map", map, METH_NOARGS,
     "map()\n--\n\nAll of the window: len(), indexes, slices (bytes), memoryview()."},
    {"read", read_bytes, METH_VARARGS,
     "read(offset, size)\n--\n\nBytes of the file, copied across any number of windows; fewer at\n"
     "its end. A file that became shorter, or a disk that fails, is an OSError."},
    {"is_valid", is_valid, METH_NOARGS, "is_valid()\n--\n\nIs the cursor on a window?"},
    {"is_associated", is_associated, METH_NOARGS, "is_associated()\n--\n\nIs it on a file?"},
    {"size", size, METH_NOARGS, "size()\n--\n\nBytes that it shows; 0 without a window."},
    {"ofs_begin", ofs_begin, METH_NOARGS, "ofs_begin()\n--\n\nOffset of the first of them."},
    {"ofs_end", ofs_end, METH_NOARGS, "ofs_end()\n--\n\nOffset of the byte after the last."},
    {"includes_ofs", includes_ofs, METH_O,
     "includes_ofs(ofs)\n--\n\nIs the byte at this offset of the file one of them?"},
    {"region", region, METH_NOARGS,
     "region()\n--\n\nThe MapRegion that the cursor is on, or None. It does not pin the window."},
    {"file_size", file_size, METH_NOARGS,
     "file_size()\n--\n\nBytes of the file, as it was last measured."},
    {"refresh", refresh, METH_NOARGS,
     "refresh()\n--\n\nMeasure the file, which can have grown; returns its size."},
    {"path_or_fd", path_or_fd, METH_NOARGS,
     "path_or_fd()\n--\n\nWhat the cursor was made with: a path or a descriptor."},
    {"path", path, METH_NOARGS,
     "path()\n--\n\nThe path; ValueError if it was made with a descriptor."},
    {"fd", fd, METH_NOARGS, "fd()\n--\n\nThe descriptor; ValueError if it was made with a path."},
    {"assign", assign, METH_O,
     "assign(rhs)\n--\n\nPut the cursor on the file and window of another one."},
    {"_destroy", destroy, METH_NOARGS, "_destroy()\n--\n\nRelease the window and the file."},
    {"__copy__", copy, METH_NOARGS, NULL},
    {"__enter__", enter, METH_NOARGS, NULL},
    {"__exit__", leave, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};

PyDoc_STRVAR(doc, "WindowCursor(manager=None, regions=None)\n--\n\n"
                  "One client's place in a file, with at most one window pinned. Managers make\n"
                  "them: see make_cursor(). As a context manager it releases window and file.");

PyTypeObject Cursor_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "smmap._smmap.WindowCursor",
    .tp_basicsize = sizeof(Cursor),
    .tp_dealloc = dealloc,
    .tp_traverse = traverse,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = doc,
    .tp_methods = methods,
    .tp_init = init,
    .tp_new = PyType_GenericNew,
};
