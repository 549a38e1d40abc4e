/*
 * A second copy of the guard in one program, as two plugins that are each linked with the library
 * make it: the files of the backend once more, with state of their own and under other names.
 *
 * Include it in one file, and first config.h.
 */
#ifndef SMMAP_TESTS_SECOND_COPY_H
#define SMMAP_TESTS_SECOND_COPY_H

#define smmap__os_guard_begin second_guard_begin
#define smmap__os_guard_copy second_guard_copy
#define smmap__os_guard_end second_guard_end
#define smmap__os_guard_install second_guard_install
#define smmap__os_guard_patched second_guard_patched
#define smmap__posix_chain_forward second_chain_forward
#define smmap__posix_chain_install second_chain_install
#define smmap__posix_guard_forked second_guard_forked
#define smmap__posix_guard_look_again second_guard_look_again
#define smmap__posix_mask_borrow second_mask_borrow
#define smmap__posix_mask_forget second_mask_forget
#define smmap__posix_mask_hold second_mask_hold
#define smmap__posix_mask_return second_mask_return
#define smmap__posix_patch second_patch
#define smmap__posix_patch_count second_patch_count
#define smmap__posix_patch_forget second_patch_forget
#define smmap__posix_patches_make second_patches_make
#define smmap__posix_stay_loaded second_stay_loaded
#define smmap__posix_words second_words
#define smmap__posix_words_make second_words_make
#define smmap__posix_keys second_keys
#define smmap__posix_have_keys second_have_keys

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
