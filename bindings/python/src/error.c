/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statuses become exceptions.
 *
 * What the system says, and what happened to a file, is an OSError with errno, text and file name,
 * of the subclass that Python has for the errno. Misuse is a ValueError.
 */
#include "binding.h"

#include <errno.h>

/* The errno of a status that is one for the caller to handle; 0: it is misuse. */
static int errno_of(apr_status_t status)
{
    switch (status) {
    case SMMAP_ENOTREGULAR:
        return ENODEV; /* as mmap() says */
    case SMMAP_ESTALE:
        return ESTALE;
    case SMMAP_ETRUNCATED:
    case SMMAP_EFAULT:
        return EIO;
    case SMMAP_ELIMIT_BYTES:
        return ENOMEM;
    case SMMAP_ELIMIT_REGIONS:
    case SMMAP_ELIMIT_FILES:
        return EMFILE;
    case SMMAP_ETOOLARGE:
        return EOVERFLOW;
    case SMMAP_ECLOSED:
    case APR_EINVAL:
        return 0;
    default:
        return status > 0 && status < APR_OS_START_ERROR ? status : EIO;
    }
}

void *raise_status(apr_status_t status, PyObject *name)
{
    char text[300];
    int number = errno_of(status);
    PyObject *error;

    smmap_strerror(status, text, sizeof text);
    if (number == 0) {
        PyErr_SetString(PyExc_ValueError, text);
        return NULL;
    }
    error =
        PyObject_CallFunction(PyExc_OSError, "isO", number, text, name != NULL ? name : Py_None);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}
