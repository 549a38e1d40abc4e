/*
 * Zeroes where the page ends: the sign that a file may end before the bytes that were copied
 * from its mapping do. See SMMAP__OS_UNVERIFIED in backend.h.
 */
#ifndef SMMAP_BACKENDS_PAGE_ENDS_H
#define SMMAP_BACKENDS_PAGE_ENDS_H

#include <apr.h>

#include <stdint.h>

/**
 * Of some page, can what was copied be behind a file's end? There all bytes to the page's end
 * are zero, and to the mapping's, which is where the file ended. The first byte to look at is
 * the last that was copied, as its line is in the processor's cache.
 *
 * @param size (in) bytes, not 0.
 * @param behind (in) bytes of the mapping behind them.
 * @param page_size (in) a power of two. Where it is less than it could be, more bytes than
 *        needed are looked at.
 */
static inline int smmap__may_be_cut(const volatile unsigned char *bytes, apr_size_t size,
                                    apr_size_t behind, apr_size_t page_size)
{
    apr_size_t end = page_size - ((uintptr_t)bytes & (page_size - 1)); /* of the first page */

    while (end < size) {
        if (bytes[end - 1] == 0) {
            return 1;
        }
        end += page_size;
    }
    if (bytes[size - 1] != 0) {
        return 0;
    }
    return bytes[(end < size + behind ? end : size + behind) - 1] == 0;
}

#endif
