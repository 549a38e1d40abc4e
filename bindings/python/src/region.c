/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MapRegion: a window, told about. It does not pin it; map() and buffer() do.
 *
 * One that was made from a path or descriptor has its bytes mapped until it is released: by a
 * manager of its own kind, without limits, which all of these share.
 */
#include "binding.h"

#include <stddef.h>

typedef struct Region {
    PyObject_HEAD Map *map; /* on the file, without a window unless `pinned`; NULL: released */
    PyObject *weak;
    apr_off_t begin;
    apr_size_t size;
    long clients; /* added by increment_client_count() */
    int pinned;   /* it is its own client */
} Region;

static PyObject *own_manager;

PyObject *region_of(const Map *map)
{
    Region *region;
    Map *copy = map_copy(map);

    if (copy == NULL) {
        return NULL;
    }
    /* A hit: with it the C cursor knows where to look, so that clients_of() needs no lock. */
    if (smmap_cursor_use(copy->cursor, copy->begin, 1) == APR_SUCCESS) {
        smmap_cursor_release(copy->cursor);
    }
    region = (Region *)Region_Type.tp_alloc(&Region_Type, 0);
    if (region == NULL) {
        Py_DECREF(copy);
        return NULL;
    }
    region->map = copy;
    region->begin = copy->begin;
    region->size = copy->size;
    return (PyObject *)region;
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path_or_fd", "ofs", "size", "flags", NULL};
    Region *self = (Region *)object;
    PyObject *name, *begin_given, *size_given;
    PyObject *flags = NULL;
    smmap_cursor_t *cursor;
    apr_off_t begin;
    apr_off_t size;
    apr_off_t rest;
    Map *map;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|O:MapRegion", names, &name, &begin_given,
                                     &size_given, &flags) ||
        parse_offset(begin_given, "ofs", &begin) < 0 ||
        parse_offset(size_given, "size", &size) < 0) {
        return -1;
    }
    if (own_manager == NULL) {
        own_manager = PyObject_CallFunction((PyObject *)&Manager_Type, "inni", -1, PY_SSIZE_T_MAX,
                                            PY_SSIZE_T_MAX, 1);
        if (own_manager == NULL) {
            return -1;
        }
    }
    cursor = open_named(((Manager *)own_manager)->manager, name);
    map = cursor != NULL ? map_new(cursor, name, own_manager) : NULL;
    if (map == NULL) {
        return -1;
    }
    rest = smmap_cursor_file_size(map->cursor) - begin;
    map->begin = begin;
    map->size = rest <= 0 ? 0 : (apr_size_t)(size < rest ? size : rest);
    if (map->size == 0) {
        PyErr_SetString(PyExc_ValueError, "there are no bytes to map");
    }
    if (map->size == 0 || map_restore(map) < 0) {
        Py_DECREF(map);
        return -1;
    }
    self->begin = begin;
    self->size = map->size;
    self->pinned = 1;
    self->clients = 1;
    Py_XSETREF(self->map, map);
    return 0;
}

static PyObject *released(void)
{
    PyErr_SetString(PyExc_ValueError, "the region was released");
    return NULL;
}

/* A map that is pinned as long as it is there. */
static PyObject *map(PyObject *object, PyObject *unused)
{
    Region *self = (Region *)object;
    Map *copy;

    (void)unused;
    if (self->map == NULL) {
        return released();
    }
    copy = self->pinned ? (Map *)Py_NewRef((PyObject *)self->map) : map_copy(self->map);
    if (copy != NULL && map_restore(copy) < 0) {
        Py_CLEAR(copy);
    }
    return (PyObject *)copy;
}

static PyObject *ofs_begin(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((Region *)object)->begin);
}

static PyObject *ofs_end(PyObject *object, PyObject *unused)
{
    const Region *self = (Region *)object;

    (void)unused;
    return PyLong_FromLongLong(self->begin + (apr_off_t)self->size);
}

static PyObject *size(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromSize_t(((Region *)object)->size);
}

static PyObject *includes_ofs(PyObject *object, PyObject *value)
{
    const Region *self = (Region *)object;
    long long offset = PyLong_AsLongLong(value);

    if (offset == -1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) {
            return NULL;
        }
        PyErr_Clear();
    }
    return PyBool_FromLong(offset >= self->begin && offset - self->begin < (long long)self->size);
}

/* The manager is one of them, if the window is mapped. */
static long clients_of(Region *self)
{
    smmap_cursor_t *cursor;
    long count = 0;

    if (self->map == NULL || self->pinned) {
        return self->clients;
    }
    cursor = self->map->cursor;
    if (smmap_cursor_try_use(cursor, self->begin, 1) == APR_SUCCESS &&
        smmap_cursor_region_begin(cursor) == self->begin &&
        smmap_cursor_region_size(cursor) == self->size) {
        count = (long)smmap_cursor_region_clients(cursor); /* our own for the manager's */
    }
    smmap_cursor_release(cursor);
    return count + self->clients;
}

static PyObject *client_count(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLong(clients_of((Region *)object));
}

static PyObject *release(PyObject *object, PyObject *unused)
{
    (void)unused;
    Py_CLEAR(((Region *)object)->map);
    Py_RETURN_NONE;
}

static PyObject *increment_client_count(PyObject *object, PyObject *args)
{
    Region *self = (Region *)object;
    long clients;
    int by = 1;

    if (!PyArg_ParseTuple(args, "|i:increment_client_count", &by)) {
        return NULL;
    }
    clients = clients_of(self) + by;
    if (clients < 0) {
        PyErr_SetString(PyExc_ValueError, "a region cannot have less than 0 clients");
        return NULL;
    }
    self->clients += by;
    if (clients == 0) {
        Py_CLEAR(self->map);
    }
    return PyBool_FromLong(clients == 0);
}

static int is_same(const Region *one, const Region *other)
{
    return one->map != NULL && other->map != NULL && one->map->manager == other->map->manager &&
           one->begin == other->begin && one->size == other->size &&
           smmap_cursor_file_number(one->map->cursor) ==
               smmap_cursor_file_number(other->map->cursor);
}

static PyObject *compare(PyObject *one, PyObject *other, int operation)
{
    int same;

    if ((operation != Py_EQ && operation != Py_NE) || !PyObject_TypeCheck(one, &Region_Type) ||
        !PyObject_TypeCheck(other, &Region_Type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    same = one == other || is_same((Region *)one, (Region *)other);
    return PyBool_FromLong(same == (operation == Py_EQ));
}

/* Of what does not change when it is released. */
static Py_hash_t hash(PyObject *object)
{
    const Region *self = (Region *)object;
    Py_hash_t value = (Py_hash_t)self->begin ^ (Py_hash_t)(self->size << 7);

    return value == -1 ? -2 : value;
}

static PyObject *repr(PyObject *object)
{
    const Region *self = (Region *)object;

    return PyUnicode_FromFormat("MapRegion<%lld, %zu>", (long long)self->begin, self->size);
}

static void dealloc(PyObject *object)
{
    Region *self = (Region *)object;

    if (self->weak != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->map);
    Py_TYPE(object)->tp_free(object);
}

static PyMethodDef methods[] = {
    {"map", map, METH_NOARGS,
     "map()\n--\n\nAll bytes of the region; the window is pinned as long as this is there."},
    {"buffer", map, METH_NOARGS, "buffer()\n--\n\nThe same as map()."},
    {"ofs_begin", ofs_begin, METH_NOARGS, "ofs_begin()\n--\n\nOffset of the first byte."},
    {"ofs_end", ofs_end, METH_NOARGS, "ofs_end()\n--\n\nOffset of the byte after the last."},
    {"size", size, METH_NOARGS, "size()\n--\n\nBytes."},
    {"includes_ofs", includes_ofs, METH_O,
     "includes_ofs(ofs)\n--\n\nIs the byte at this offset of the file in the region?"},
    {"client_count", client_count, METH_NOARGS,
     "client_count()\n--\n\nWho keeps the region mapped: its manager, and what pins it."},
    {"increment_client_count", increment_client_count, METH_VARARGS,
     "increment_client_count(ofs=1)\n--\n\n"
     "Add to the count of clients. True: none is left, and the region was released."},
    {"release", release, METH_NOARGS,
     "release()\n--\n\nLet go of file and bytes; map() is a ValueError from now on."},
    {NULL, NULL, 0, NULL}};

PyDoc_STRVAR(doc, "MapRegion(path_or_fd, ofs, size, flags=0)\n--\n\n"
                  "A region of a file that is mapped. If size is larger than the file, it ends\n"
                  "with the file. flags is ignored.");

PyTypeObject Region_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "smmap._smmap.MapRegion",
    .tp_basicsize = sizeof(Region),
    .tp_weaklistoffset = offsetof(Region, weak),
    .tp_dealloc = dealloc,
    .tp_repr = repr,
    .tp_hash = hash,
    .tp_richcompare = compare,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = doc,
    .tp_methods = methods,
    .tp_init = init,
    .tp_new = PyType_GenericNew,
};
