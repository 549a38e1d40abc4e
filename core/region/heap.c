/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last resort: a window of one granule in memory of the heap.
 *
 * When the system has no room for even the smallest mapping (the address space or the number
 * of mappings is used up), memory of the heap may still be had, as the heap keeps what it
 * was given before. Such a window belongs to one cursor: nobody else finds it, and it goes
 * when that cursor lets go of it, so files are mapped again when the pressure ends. It is
 * counted as a buffered one.
 *
 * Its address is a multiple of the page size, as that of a mapping is. The block that was
 * allocated stands in the word before it.
 */
#include "core/region/region.h"

#include <string.h>

apr_status_t smmap__heap_map(const smmap_manager_t *manager, smmap__os_mapping_t *mapping,
                             apr_size_t length)
{
    const apr_size_t page = manager->page_size;
    unsigned char *block = smmap__alloc(sizeof block + page + length);
    apr_size_t skip;

    if (block == NULL) {
        return APR_ENOMEM;
    }
    skip = page - (uintptr_t)(block + sizeof block) % page;
    mapping->address = block + sizeof block + (skip == page ? 0 : skip);
    mapping->length = length;
    mapping->memory = SMMAP__HEAP;
    memcpy(mapping->address - sizeof block, &block, sizeof block);
    return APR_SUCCESS;
}

apr_status_t smmap__mapping_unmap(smmap__os_mapping_t *mapping)
{
    unsigned char *block;

    if (mapping->memory != SMMAP__HEAP) {
        return smmap__os_unmap(mapping);
    }
    memcpy(&block, mapping->address - sizeof block, sizeof block);
    smmap__free(block);
    memset(mapping, 0, sizeof *mapping);
    return APR_SUCCESS;
}
