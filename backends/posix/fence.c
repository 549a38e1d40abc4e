/*
 * POSIX: the heavy half of the asymmetric fence.
 *
 * On Linux it is membarrier(2) with the private expedited command, which makes every running
 * thread of this process execute a full barrier. The light half is then a compiler fence. The
 * process registers for the command once. Elsewhere, and under ThreadSanitizer, which does not
 * know the call, both halves are full fences.
 */
#include "config.h"

#include "backends/backend.h"
#include "backends/posix/internal.h"

#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(SYS_membarrier) && !SMMAP__POSIX_TSAN

/* From linux/membarrier.h, which old systems do not have. */
enum { PRIVATE_EXPEDITED = 1 << 3, REGISTER_PRIVATE_EXPEDITED = 1 << 4 };

/* Registering again has no further effect. */
int smmap__os_fence_asymmetric(void)
{
    return syscall(SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0) == 0;
}

void smmap__os_fence_heavy(void)
{
    if (syscall(SYS_membarrier, PRIVATE_EXPEDITED, 0) != 0) {
        atomic_thread_fence(memory_order_seq_cst);
    }
}

#else

int smmap__os_fence_asymmetric(void)
{
    return 0;
}

void smmap__os_fence_heavy(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

#endif
