/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Manager: the base of both window map managers, which are classes in mman.py.
 *
 * It is destroyed with its object, and cursors and maps keep that.
 */
#include "binding.h"

#include <stddef.h>

int parse_offset(PyObject *value, const char *what, apr_off_t *offset)
{
    long long number = PyLong_AsLongLong(value);

    if (number == -1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) {
            return -1;
        }
        PyErr_Format(PyExc_OverflowError, "%s is too large", what);
        return -1;
    }
    if (number < 0) {
        PyErr_Format(PyExc_ValueError, "%s must not be negative", what);
        return -1;
    }
    *offset = number;
    return 0;
}

/* What is as large as it can be is no limit. */
static apr_size_t limit_of(Py_ssize_t given)
{
    return given == PY_SSIZE_T_MAX ? SMMAP_UNLIMITED : (apr_size_t)given;
}

/* Limits in options; a number of handles is one of windows, as each has one in smmap. */
static int set_options(const Manager *self, Py_ssize_t memory, Py_ssize_t handles,
                       smmap_options_t *options)
{
    if (memory < 0) {
        PyErr_SetString(PyExc_ValueError, "max_memory_size must not be negative");
        return -1;
    }
    if (handles < 1) {
        PyErr_SetString(PyExc_ValueError, "max_open_handles must be 1 or more");
        return -1;
    }
    options->limits = SMMAP_LIMITS_SOFT;
    options->max_mapped_bytes = limit_of(memory);
    options->max_regions = SMMAP_DEFAULT;
    options->max_open_files = SMMAP_DEFAULT;
    if (handles != PY_SSIZE_T_MAX) {
        options->limits = self->is_sliding ? SMMAP_LIMITS_HARD_REGIONS : SMMAP_LIMITS_SOFT;
        options->max_regions = (apr_size_t)handles;
        options->max_open_files = (apr_size_t)handles;
    }
    return 0;
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"window_size", "max_memory_size", "max_open_handles",
                            "sliding",     "guard",           NULL};
    Manager *self = (Manager *)object;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    Py_ssize_t window = -1;
    Py_ssize_t memory = 0;
    Py_ssize_t handles = PY_SSIZE_T_MAX;
    int sliding = 1;
    int guard = 1;
    apr_status_t status;

    if (self->manager != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a manager cannot be initialized again");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|nnnpp", names, &window, &memory, &handles,
                                     &sliding, &guard)) {
        return -1;
    }
    self->is_sliding = sliding && window != 0;
    if (set_options(self, memory, handles, &options) < 0) {
        return -1;
    }
    options.mode = self->is_sliding ? SMMAP_MODE_AUTO : SMMAP_MODE_STATIC;
    options.guard = guard ? SMMAP_GUARD_ON : SMMAP_GUARD_OFF;
    if (self->is_sliding && window > 0) {
        options.window_size = (apr_size_t)window;
    } else if (!self->is_sliding && window != 0) {
        self->most =
            window > 0 ? (apr_size_t)window : (apr_size_t)1 << (smmap_is_64bit() ? 30 : 26);
    }
    Py_XSETREF(self->cursor_class, PyObject_GetAttrString(object, "WindowCursorCls"));
    if (self->cursor_class == NULL) {
        PyErr_Clear();
        self->cursor_class = Py_NewRef((PyObject *)&Cursor_Type);
    }
    status = smmap_manager_create(&self->manager, &options, NULL);
    if (guard && APR_STATUS_IS_ENOTIMPL(status)) {
        options.guard = SMMAP_GUARD_OFF;
        status = smmap_manager_create(&self->manager, &options, NULL);
    }
    if (status != APR_SUCCESS) {
        self->manager = NULL;
        raise_status(status, NULL);
        return -1;
    }
    self->max_handles = handles;
    return 0;
}

/* The library's manager, or NULL with an exception: a subclass may not have called __init__. */
static smmap_manager_t *inside(PyObject *object)
{
    Manager *self = (Manager *)object;

    if (self->manager == NULL) {
        PyErr_SetString(PyExc_ValueError, "the manager was not initialized");
    }
    return self->manager;
}

static PyObject *make_cursor(PyObject *object, PyObject *const *args, Py_ssize_t count,
                             PyObject *names)
{
    Manager *self = (Manager *)object;
    PyObject *regions;
    PyObject *cursor;

    if (inside(object) == NULL) {
        return NULL;
    }
    if (count + (names != NULL ? PyTuple_GET_SIZE(names) : 0) != 1 ||
        (count == 0 &&
         PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "path_or_fd") != 0)) {
        PyErr_SetString(PyExc_TypeError, "make_cursor() takes one argument, path_or_fd");
        return NULL;
    }
    if (self->cursor_class == (PyObject *)&Cursor_Type) {
        return cursor_open(&Cursor_Type, self, args[0]);
    }
    regions = PyObject_CallMethod(object, "MapRegionListCls", "O", args[0]);
    if (regions == NULL) {
        return NULL;
    }
    cursor = PyObject_CallFunctionObjArgs(self->cursor_class, object, regions, NULL);
    Py_DECREF(regions);
    return cursor;
}

static PyObject *collect(PyObject *object, PyObject *unused)
{
    smmap_manager_t *manager = inside(object);
    apr_status_t status;
    apr_size_t count;

    (void)unused;
    if (manager == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_manager_collect(manager, &count);
    Py_END_ALLOW_THREADS return status == APR_SUCCESS ? PyLong_FromSize_t(count)
                                                      : raise_status(status, NULL);
}

static PyObject *collect_lru_region(PyObject *object, PyObject *value)
{
    smmap_manager_t *manager = inside(object);
    apr_status_t status = APR_SUCCESS;
    apr_size_t before, now, most, freed;
    apr_off_t size;

    if (manager == NULL || parse_offset(value, "size", &size) < 0) {
        return NULL;
    }
    if (size == 0) {
        return collect(object, NULL);
    }
    before = smmap_manager_regions(manager);
    now = smmap_manager_mapped_bytes(manager);
    most = smmap_manager_max_mapped_bytes(manager);
    /* To be freed: what is more than the limit, if the size is mapped, too. */
    if (now != 0 && (apr_size_t)size > most - (now < most ? now : most)) {
        Py_BEGIN_ALLOW_THREADS status = smmap_manager_collect_bytes(
            manager, (apr_size_t)size > most ? now : now - (most - (apr_size_t)size), &freed);
        Py_END_ALLOW_THREADS
    }
    if (status != APR_SUCCESS) {
        return raise_status(status, NULL);
    }
    now = smmap_manager_regions(manager);
    return PyLong_FromSize_t(before > now ? before - now : 0);
}

static PyObject *drop(PyObject *object, PyObject *name)
{
    smmap_manager_t *manager = inside(object);
    apr_status_t status;
    apr_size_t pinned;
    PyObject *path;

    if (manager == NULL || !PyUnicode_FSConverter(name, &path)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_manager_drop(manager, PyBytes_AS_STRING(path), &pinned);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return status == APR_SUCCESS ? PyLong_FromSize_t(pinned) : raise_status(status, name);
}

static PyObject *set_limits(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"max_memory_size", "max_open_handles", NULL};
    Manager *self = (Manager *)object;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    Py_ssize_t memory;
    Py_ssize_t handles = self->max_handles;
    apr_status_t status;

    if (inside(object) == NULL) {
        return NULL;
    }
    memory = (Py_ssize_t)(smmap_manager_max_mapped_bytes(self->manager) & PY_SSIZE_T_MAX);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|nn:set_limits", names, &memory, &handles) ||
        set_options(self, memory, handles, &options) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_manager_set_limits(self->manager, &options);
    Py_END_ALLOW_THREADS if (status != APR_SUCCESS)
    {
        return raise_status(status, NULL);
    }
    self->max_handles = handles;
    Py_RETURN_NONE;
}

/* The counters by name. */
typedef struct counter_t {
    const char *name;
    size_t place;
    int is_wide;
} counter_t;

#define NOW(name)                               \
    {                                           \
#name, offsetof(smmap_stats_t, name), 0 \
    }
#define SUM(name)                               \
    {                                           \
#name, offsetof(smmap_stats_t, name), 1 \
    }

static const counter_t counters[] = {NOW(mapped_bytes),   NOW(peak_mapped_bytes),
                                     NOW(pinned_bytes),   NOW(regions),
                                     NOW(peak_regions),   NOW(pinned_regions),
                                     NOW(open_files),     NOW(peak_open_files),
                                     NOW(files),          NOW(mapped_files),
                                     NOW(cursors),        NOW(buffered_regions),
                                     NOW(buffered_bytes), SUM(hits),
                                     SUM(misses),         SUM(maps),
                                     SUM(unmaps),         SUM(evictions),
                                     SUM(opens),          SUM(closes),
                                     SUM(over_limit),     SUM(limit_failures),
                                     SUM(retries),        SUM(shrunk_maps),
                                     SUM(map_failures),   SUM(open_failures),
                                     SUM(stale_files),    SUM(truncated_files),
                                     SUM(bypassed_reads), SUM(admission_rejects),
                                     SUM(prefetches),     SUM(fetched_bytes),
                                     SUM(buffered),
                                     SUM(faults),         SUM(trace_failures)};

static PyObject *stats(PyObject *object, PyObject *unused)
{
    smmap_manager_t *manager = inside(object);
    smmap_stats_t taken = SMMAP_STATS_INIT;
    apr_status_t status;
    PyObject *dict;
    size_t i;

    (void)unused;
    if (manager == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS status = smmap_manager_stats(manager, &taken);
    Py_END_ALLOW_THREADS if (status != APR_SUCCESS)
    {
        return raise_status(status, NULL);
    }
    dict = PyDict_New();
    for (i = 0; dict != NULL && i < sizeof counters / sizeof counters[0]; i++) {
        const void *at = (const char *)&taken + counters[i].place;
        PyObject *value = PyLong_FromUnsignedLongLong(
            counters[i].is_wide ? *(const apr_uint64_t *)at : *(const apr_size_t *)at);

        if (value == NULL || PyDict_SetItemString(dict, counters[i].name, value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *num_file_handles(PyObject *object, PyObject *unused)
{
    (void)unused;
    return inside(object) ? PyLong_FromSize_t(smmap_manager_regions(inside(object))) : NULL;
}

static PyObject *num_open_files(PyObject *object, PyObject *unused)
{
    smmap_manager_t *manager = inside(object);
    smmap_stats_t taken = SMMAP_STATS_INIT;
    apr_status_t status;

    (void)unused;
    if (manager == NULL) {
        return NULL;
    }
    status = smmap_manager_stats(manager, &taken);
    return status == APR_SUCCESS ? PyLong_FromSize_t(taken.mapped_files)
                                 : raise_status(status, NULL);
}

static PyObject *window_size(PyObject *object, PyObject *unused)
{
    const Manager *self = (Manager *)object;

    (void)unused;
    return inside(object)
               ? PyLong_FromSize_t(self->is_sliding ? smmap_manager_window_size(self->manager)
                                                    : self->most)
               : NULL;
}

static PyObject *mapped_memory_size(PyObject *object, PyObject *unused)
{
    (void)unused;
    return inside(object) ? PyLong_FromSize_t(smmap_manager_mapped_bytes(inside(object))) : NULL;
}

static PyObject *max_file_handles(PyObject *object, PyObject *unused)
{
    (void)unused;
    return inside(object) ? PyLong_FromSsize_t(((Manager *)object)->max_handles) : NULL;
}

static PyObject *max_mapped_memory_size(PyObject *object, PyObject *unused)
{
    (void)unused;
    return inside(object) ? PyLong_FromSize_t(smmap_manager_max_mapped_bytes(inside(object)))
                          : NULL;
}

static void dealloc(PyObject *object)
{
    Manager *self = (Manager *)object;
    smmap_manager_t *manager = self->manager;

    if (manager != NULL) {
        self->manager = NULL;
        Py_BEGIN_ALLOW_THREADS smmap_manager_destroy(manager);
        Py_END_ALLOW_THREADS
    }
    Py_CLEAR(self->cursor_class);
    Py_TYPE(object)->tp_free(object);
}

#define FAST(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef methods[] = {
    {"make_cursor", FAST(make_cursor), METH_FASTCALL | METH_KEYWORDS,
     "make_cursor(path_or_fd)\n--\n\n"
     "A WindowCursor on a file. A descriptor is duplicated: you may close yours at once. A file\n"
     "that the manager has open under this absolute path is not looked for again."},
    {"collect", collect, METH_NOARGS,
     "collect()\n--\n\nUnmap all windows that nobody uses. Returns how many."},
    {"_collect_lru_region", collect_lru_region, METH_O,
     "_collect_lru_region(size)\n--\n\n"
     "Unmap windows until so many bytes more are within the limit; 0: as collect()."},
    {"drop", drop, METH_O,
     "drop(path)\n--\n\n"
     "Unmap a file, or all files below a directory, and close their handles. Returns how many\n"
     "windows are still in use."},
    {"set_limits", FAST(set_limits), METH_VARARGS | METH_KEYWORDS,
     "set_limits(max_memory_size=..., max_open_handles=...)\n--\n\n"
     "Change limits. What is over them and not in use is unmapped at once."},
    {"stats", stats, METH_NOARGS, "stats()\n--\n\nThe counters of the library, as a dict."},
    {"num_file_handles", num_file_handles, METH_NOARGS,
     "num_file_handles()\n--\n\nWindows that are mapped now."},
    {"num_open_files", num_open_files, METH_NOARGS,
     "num_open_files()\n--\n\nFiles of which a window is mapped now."},
    {"window_size", window_size, METH_NOARGS,
     "window_size()\n--\n\nBytes of a window; 0: a window is a whole file."},
    {"mapped_memory_size", mapped_memory_size, METH_NOARGS,
     "mapped_memory_size()\n--\n\nBytes that are mapped now."},
    {"max_file_handles", max_file_handles, METH_NOARGS,
     "max_file_handles()\n--\n\nThe limit of windows, as given."},
    {"max_mapped_memory_size", max_mapped_memory_size, METH_NOARGS,
     "max_mapped_memory_size()\n--\n\nThe limit of mapped bytes."},
    {NULL, NULL, 0, NULL}};

PyDoc_STRVAR(doc, "The base of StaticWindowMapManager and SlidingWindowMapManager.");

PyTypeObject Manager_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "smmap._smmap.Manager",
    .tp_basicsize = sizeof(Manager),
    .tp_dealloc = dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = doc,
    .tp_methods = methods,
    .tp_init = init,
    .tp_new = PyType_GenericNew,
};
