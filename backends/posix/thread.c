/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * POSIX: the words of each thread; see thread.h.
 */
#include "config.h"

#include "backends/posix/thread.h"

#if !defined(SMMAP__POSIX_KEYS)

_Thread_local volatile uintptr_t smmap__posix_words[SMMAP__POSIX_WORDS]
    __attribute__((tls_model("initial-exec")));

apr_status_t smmap__posix_words_make(void)
{
    return APR_SUCCESS;
}

#else

pthread_key_t smmap__posix_keys[SMMAP__POSIX_WORDS];
volatile int smmap__posix_have_keys;

apr_status_t smmap__posix_words_make(void)
{
    int made = 0;
    int error = 0;

    while (!smmap__posix_have_keys && error == 0 && made < SMMAP__POSIX_WORDS) {
        error = pthread_key_create(&smmap__posix_keys[made], NULL);
        made += error == 0;
    }
    if (error == 0) {
        smmap__posix_have_keys = 1;
    }
    while (error != 0 && made > 0) {
        pthread_key_delete(smmap__posix_keys[--made]);
    }
    return error;
}

#endif
