/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: the code of a handler must stay where it is.
 *
 * The shared library is linked so that it is never unloaded (-z nodelete), where the linker can.
 * A static copy inside of a plugin cannot say that of the plugin; so the object that contains
 * this file is opened once more, by the name under which it was loaded, and marked.
 *
 * The two functions are weak where that means "if there": before glibc 2.34 they are in a library
 * of their own, which every program that loads plugins has; and a static program has none, and
 * need not get them from us. The main program cannot be unloaded, and may have no such name.
 */
#include "config.h"

#include "backends/posix/internal.h"

#include <dlfcn.h>
#include <stddef.h>

#if defined(__ELF__)
#pragma weak dladdr
#pragma weak dlopen
#define IS_THERE(function) ((function) != NULL)
#else
#define IS_THERE(function) 1
#endif

void smmap__posix_stay_loaded(void)
{
#if defined(RTLD_NODELETE) && defined(RTLD_NOLOAD)
    static const char here = 0;
    static atomic_int done;
    Dl_info info;

    /* Before any lock of ours: a thread that loads a library may be waiting for that. */
    if (!atomic_load(&done) && IS_THERE(dladdr) && IS_THERE(dlopen) &&
        dladdr(&here, &info) != 0 && info.dli_fname != NULL &&
        dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != NULL) {
        atomic_store(&done, 1);
    }
#endif
}
