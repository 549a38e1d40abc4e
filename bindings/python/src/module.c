/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The module smmap._smmap, which the classes of the package come from.
 *
 * Its types are static, so it is for the main interpreter.
 */
#include "binding.h"

#include <pthread.h>

static PyObject *library_version(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(smmap_version(NULL, NULL, NULL));
}

static int execute(PyObject *module)
{
    static PyTypeObject *const types[] = {&Map_Type, &Manager_Type, &Cursor_Type, &Region_Type,
                                          &Buffer_Type};
    static int is_ready;
    size_t i;

    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "smmap does not work in a sub-interpreter");
        return -1;
    }
    if (!is_ready) {
        if (pthread_atfork(NULL, NULL, map_forked) != 0) {
            PyErr_NoMemory();
            return -1;
        }
        is_ready = 1;
    }
    for (i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (PyModule_AddType(module, types[i]) < 0) {
            return -1;
        }
    }
    return PyModule_AddIntConstant(module, "ALLOCATIONGRANULARITY", (long)smmap_granularity());
}

static PyMethodDef functions[] = {{"library_version", library_version, METH_NOARGS,
                                   "library_version()\n--\n\nThe version of libsmmap."},
                                  {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)(apr_uintptr_t)execute},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "smmap._smmap",
                                        .m_doc = "The classes of smmap, in C.",
                                        .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__smmap(void)
{
    return PyModuleDef_Init(&definition);
}
