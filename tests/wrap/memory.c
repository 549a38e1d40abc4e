/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fake/memory.h in suite-wrap: what the harness asks for, told by the wrapped calls. The
 * memory of the core is the real one, core/base/memory.c.
 */
#include "tests/fake/memory.h"
#include "wrap.h"

void fake_memory_fail_none(void)
{
    wrap_fail_none();
}

apr_size_t fake_memory_blocks(void)
{
    return wrap_live_blocks();
}

/* Nobody tells how large a block was that came back. */
apr_size_t fake_memory_bytes(void)
{
    return 0;
}

apr_size_t fake_memory_pools(void)
{
    return wrap_live_pools();
}

/* That is for the checkers of memory. */
apr_size_t fake_memory_misuses(void)
{
    return 0;
}

void fake_memory_reset(void)
{
    wrap_reset();
    wrap_root(NULL);
    wrap_live_reset();
}
