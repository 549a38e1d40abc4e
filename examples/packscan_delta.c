/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Git's delta format. No I/O, no allocation: bytes in, bytes out.
 *
 * A delta is two sizes (of the base, of the result) and instructions: copy a range of the base,
 * or insert the bytes that follow. It is checked completely before it is applied, so that a few
 * bytes that claim gigabytes are rejected before memory is allocated, and applying needs no
 * checks. Checking and applying share the decoder.
 */
#include "packscan.h"

#include <string.h>

/* One instruction, decoded. */
typedef struct instruction_t {
    apr_uint64_t copy_from;      /* offset in the base; for copies */
    apr_size_t size;             /* bytes added to the result */
    const unsigned char *insert; /* the bytes to insert; NULL for copies */
} instruction_t;

/*
 * Read a size: seven bits per byte, lowest first; the top bit means that more follow. Returns
 * the byte after it, or NULL if it does not end or is too large.
 */
static const unsigned char *get_size(const unsigned char *at, const unsigned char *end,
                                     apr_uint64_t *size)
{
    int shift;

    *size = 0;
    for (shift = 0; at < end; shift += 7) {
        apr_uint64_t bits = *at & 0x7f;

        if (shift > 63 || (shift == 63 && bits > 1))
            return NULL;
        *size |= bits << shift;
        if ((*at++ & 0x80) == 0)
            return at;
    }
    return NULL;
}

/* Decode the instruction at `at`, which is before `end`. Returns the byte after it, or NULL. */
static const unsigned char *get_instruction(const unsigned char *at, const unsigned char *end,
                                            instruction_t *instruction)
{
    unsigned char code = *at++;
    int i;

    instruction->copy_from = 0;
    instruction->size = 0;
    instruction->insert = NULL;
    if (code == 0) /* reserved */
        return NULL;
    if ((code & 0x80) == 0) {
        if (code > end - at)
            return NULL;
        instruction->size = code;
        instruction->insert = at;
        return at + code;
    }
    for (i = 0; i < 7; i++) {
        if ((code & (1 << i)) == 0)
            continue;
        if (at == end)
            return NULL;
        if (i < 4)
            instruction->copy_from |= (apr_uint64_t)*at++ << (8 * i);
        else
            instruction->size |= (apr_size_t)*at++ << (8 * (i - 4));
    }
    if (instruction->size == 0) /* defined by the format */
        instruction->size = 0x10000;
    return at;
}

const char *packscan_delta_check(const unsigned char *delta, apr_size_t size,
                                 apr_uint64_t base_size, apr_uint64_t *result_size)
{
    const unsigned char *end = delta + size;
    const unsigned char *at;
    instruction_t instruction;
    apr_uint64_t expected_base;
    apr_uint64_t left;
    apr_uint64_t total;

    at = get_size(delta, end, &expected_base);
    if (at != NULL)
        at = get_size(at, end, &total);
    if (at == NULL)
        return "the sizes at the start of the delta are broken";
    if (expected_base != base_size)
        return "the delta was made for a base of another size";
    for (left = total; at < end; left -= instruction.size) {
        at = get_instruction(at, end, &instruction);
        if (at == NULL)
            return "the delta has a broken instruction";
        if (instruction.size > left)
            return "the delta makes more bytes than it says";
        if (instruction.insert == NULL && (instruction.copy_from > base_size ||
                                           instruction.size > base_size - instruction.copy_from))
            return "the delta copies from outside of its base";
    }
    if (left > 0)
        return "the delta makes fewer bytes than it says";
    *result_size = total;
    return NULL;
}

void packscan_delta_apply(const unsigned char *delta, apr_size_t size, const unsigned char *base,
                          unsigned char *result)
{
    const unsigned char *end = delta + size;
    const unsigned char *at = delta;
    instruction_t instruction;
    apr_uint64_t skipped;

    at = get_size(at, end, &skipped);
    if (at != NULL)
        at = get_size(at, end, &skipped);
    while (at != NULL && at < end) {
        at = get_instruction(at, end, &instruction);
        if (at == NULL)
            return;
        memcpy(result,
               instruction.insert != NULL ? instruction.insert
                                          : base + (apr_size_t)instruction.copy_from,
               instruction.size);
        result += instruction.size;
    }
}
