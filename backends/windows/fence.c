/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: the heavy half of the asymmetric fence.
 *
 * FlushProcessWriteBuffers() makes every processor that runs a thread of this process execute a
 * barrier. In Wine it does nothing (seen in 8.0, by the test of the fences), so there both halves
 * are full fences.
 */
#include "backends/windows/internal.h"

int smmap__os_fence_asymmetric(void)
{
    return !smmap__windows_is_wine();
}

void smmap__os_fence_heavy(void)
{
    MemoryBarrier();
    FlushProcessWriteBuffers();
}
