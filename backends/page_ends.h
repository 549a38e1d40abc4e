/*
 * Zeroes where the page ends: the sign that a file may end before the bytes that were copied
 * from its mapping do. See SMMAP__OS_MAYBE in backend.h.
 */
#ifndef SMMAP_BACKENDS_PAGE_ENDS_H
#define SMMAP_BACKENDS_PAGE_ENDS_H

#include <apr.h>

#include <stdint.h>

/**
 * Of some page, is the last of these bytes zero?
 *
 * @param size (in) bytes, not 0.
 * @param page_size (in) a power of two. Where it is less than it could be, more bytes than
 *        needed are looked at.
 */
static inline int smmap__ends_in_zero(const volatile unsigned char *bytes, apr_size_t size,
                                      apr_size_t page_size)
{
    apr_size_t end = page_size - ((uintptr_t)bytes & (page_size - 1)); /* of the first page */

    while (end < size) {
        if (bytes[end - 1] == 0) {
            return 1;
        }
        end += page_size;
    }
    return bytes[size - 1] == 0;
}

#endif
