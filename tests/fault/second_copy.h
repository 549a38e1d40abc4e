/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A second copy of the guard in one program, as two plugins that are each linked with the library
 * make it: the files of the backend once more, with state of their own and under other names.
 *
 * Include config.h first. Each file that includes this defines COPY(), which makes its names.
 */
#ifndef SMMAP_TESTS_SECOND_COPY_H
#define SMMAP_TESTS_SECOND_COPY_H

#define smmap__os_guard_begin COPY(guard_begin)
#define smmap__os_guard_copy COPY(guard_copy)
#define smmap__os_guard_end COPY(guard_end)
#define smmap__os_guard_install COPY(guard_install)
#define smmap__os_guard_patched COPY(guard_patched)
#define smmap__posix_call COPY(call)
#define smmap__posix_chain_forward COPY(chain_forward)
#define smmap__posix_chain_install COPY(chain_install)
#define smmap__posix_guard_forked COPY(guard_forked)
#define smmap__posix_guard_look_again COPY(guard_look_again)
#define smmap__posix_mask_borrow COPY(mask_borrow)
#define smmap__posix_mask_forget COPY(mask_forget)
#define smmap__posix_mask_hold COPY(mask_hold)
#define smmap__posix_mask_return COPY(mask_return)
#define smmap__posix_patch COPY(patch)
#define smmap__posix_patch_count COPY(patch_count)
#define smmap__posix_patch_forget COPY(patch_forget)
#define smmap__posix_patches_make COPY(patches_make)
#define smmap__posix_stay_loaded COPY(stay_loaded)
#define smmap__posix_was_sent COPY(was_sent)
#define smmap__posix_words COPY(words)
#define smmap__posix_words_make COPY(words_make)
#define smmap__posix_keys COPY(keys)
#define smmap__posix_have_keys COPY(have_keys)

#include "backends/posix/thread.c"

#include "backends/posix/mask.c"
#include "backends/posix/patches.c"
#include "backends/posix/signal_chain.c"
#include "backends/posix/stay_loaded.c"

#include "backends/posix/guard.c"

/* From here on these mean the first copy. */
#undef smmap__os_guard_copy
#undef smmap__os_guard_install
apr_status_t smmap__os_guard_install(void);
smmap__os_copied_t smmap__os_guard_copy(void *to, const unsigned char *mapping, apr_size_t length,
                                        apr_size_t offset, apr_size_t size, apr_size_t *fault);

#endif
