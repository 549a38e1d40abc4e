# SPDX-License-Identifier: BSD-3-Clause
# The list of source files, for both builds: Makefile.am includes it, cmake/sources.cmake parses
# it. So it contains only assignments of plain lists, without conditions or references to other
# variables. Paths are relative to the top. Names must not end in _SOURCES or _HEADERS, which
# automake reserves.

# The public interface, installed below smmap/.
SMMAP_HEADER_FILES = \
	include/smmap/buffer.h \
	include/smmap/cursor.h \
	include/smmap/export.h \
	include/smmap/fetch.h \
	include/smmap/manager.h \
	include/smmap/smmap.h \
	include/smmap/smmap.hpp \
	include/smmap/status.h \
	include/smmap/trace.h \
	include/smmap/version.h \
	include/smmap/window.h

# The platform-neutral part, without base/memory.c.
SMMAP_CORE_FILES = \
	core/base/atomic.h \
	core/base/atomic_msvc.h \
	core/base/base.h \
	core/base/capability.h \
	core/base/environment.c \
	core/base/hash.c \
	core/base/hash.h \
	core/base/list.h \
	core/base/memory.h \
	core/base/owned.c \
	core/base/owned.h \
	core/base/pins.c \
	core/base/pins.h \
	core/base/slots.c \
	core/base/slots.h \
	core/base/status.c \
	core/base/window.c \
	core/cursor/advise.c \
	core/cursor/attempt.c \
	core/cursor/attempt.h \
	core/cursor/cursor.c \
	core/cursor/cursor.h \
	core/cursor/fault.c \
	core/cursor/fetch.c \
	core/cursor/fetch.h \
	core/cursor/fetch_queue.c \
	core/cursor/fetch_thread.c \
	core/cursor/hit.c \
	core/cursor/manager_ref.c \
	core/cursor/miss.c \
	core/cursor/move.c \
	core/cursor/open.c \
	core/cursor/pin_origin.c \
	core/cursor/query.c \
	core/cursor/trace.c \
	core/file/file.c \
	core/file/file.h \
	core/file/handle.c \
	core/file/identity.c \
	core/file/idle.c \
	core/file/path.c \
	core/fork.c \
	core/lock.c \
	core/lock.h \
	core/manager/drop.c \
	core/manager/manager.c \
	core/manager/manager.h \
	core/manager/options.c \
	core/manager/mend.c \
	core/manager/pinned.c \
	core/manager/places.c \
	core/manager/stats.c \
	core/read/admission.c \
	core/read/buffer.c \
	core/read/cost.c \
	core/read/guard.c \
	core/read/nowait.c \
	core/read/read.c \
	core/read/read.h \
	core/region/clear.c \
	core/region/evict.c \
	core/region/heap.c \
	core/region/limit.c \
	core/region/measure.c \
	core/region/paranoid.c \
	core/region/queue.c \
	core/region/reclaim.c \
	core/region/region.c \
	core/region/region.h \
	core/types.h

# Where memory comes from. The test programs replace it by one that can fail.
SMMAP_MEMORY_FILES = \
	core/base/memory.c

# What speaks to the operating system; configure chooses one.
SMMAP_BACKEND_POSIX_FILES = \
	backends/backend.h \
	backends/common.h \
	backends/guard.h \
	backends/posix/ahead.c \
	backends/posix/append.c \
	backends/posix/backtrace.c \
	backends/posix/fence.c \
	backends/posix/file.c \
	backends/posix/guard.c \
	backends/posix/identity.c \
	backends/posix/internal.h \
	backends/posix/map.c \
	backends/posix/mask.c \
	backends/posix/memory.c \
	backends/posix/patches.c \
	backends/posix/signal_chain.c \
	backends/posix/stale.c \
	backends/posix/stay_loaded.c \
	backends/posix/system.c \
	backends/posix/thread.c \
	backends/posix/thread.h \
	backends/stale.h

SMMAP_BACKEND_WINDOWS_FILES = \
	backends/backend.h \
	backends/common.h \
	backends/guard.h \
	backends/windows/backtrace.c \
	backends/windows/fence.c \
	backends/windows/file.c \
	backends/windows/guard.c \
	backends/windows/identity.c \
	backends/windows/internal.h \
	backends/windows/map.c \
	backends/windows/stale.c \
	backends/windows/system.c \
	backends/stale.h

# What both test programs are made of, and what each has besides: suite-posix, or
# suite-windows, runs on the real backend, suite-fake on one that fails when it is told
# to. Each needs the files of its platform, too.
SMMAP_TEST_FILES = \
	tests/api/test_binding.c \
	tests/api/test_budget.c \
	tests/api/test_buffer.c \
	tests/api/test_buffered.c \
	tests/api/test_cursor.c \
	tests/api/test_fetch.c \
	tests/api/test_follow.c \
	tests/api/test_fork.c \
	tests/api/test_growth.c \
	tests/api/test_hint.c \
	tests/api/test_ids.c \
	tests/api/test_input.c \
	tests/api/test_large.c \
	tests/api/test_lifetime.c \
	tests/api/test_limits.c \
	tests/api/test_manager.c \
	tests/api/test_nowait.c \
	tests/api/test_paranoid.c \
	tests/api/test_policy.c \
	tests/api/test_read.c \
	tests/api/test_resident.c \
	tests/api/test_room.c \
	tests/api/test_release.c \
	tests/api/test_resized.c \
	tests/api/test_scan.c \
	tests/api/test_share.c \
	tests/api/test_special.c \
	tests/api/test_stale.c \
	tests/api/test_threads.c \
	tests/api/test_trace.c \
	tests/api/test_traced.c \
	tests/contract/test_contract.c \
	tests/contract/test_contract_files.c \
	tests/contract/test_fences.c \
	tests/fake/backend.h \
	tests/fake/memory.c \
	tests/fake/memory.h \
	tests/fault/test_between.c \
	tests/fault/test_cutting.c \
	tests/fault/test_exhausted.c \
	tests/fault/test_failures.c \
	tests/fault/test_faults.c \
	tests/fault/test_guard.c \
	tests/fault/test_pointers.c \
	tests/fault/test_refused.c \
	tests/support/fixture.c \
	tests/support/fixture.h \
	tests/support/harness.c \
	tests/support/harness.h \
	tests/support/harness_files.c \
	tests/support/platform.h \
	tests/support/runner.c \
	tests/support/scenario.c \
	tests/support/scenario.h \
	tests/unit/test_queue.c \
	tests/unit/test_slots.c \
	tests/unit/test_status.c \
	tests/unit/test_window.c

SMMAP_TEST_REAL_FILES = \
	tests/fake/absent.c \
	tests/support/modules.c

SMMAP_TEST_FAKE_FILES = \
	tests/fake/backend.c \
	tests/fake/control.c \
	tests/fake/files.c \
	tests/fake/guard.c \
	tests/fake/paranoid.c \
	tests/fake/state.h \
	tests/support/modules.c

# suite-wrap, where the linker can put functions before those of the C library: all of it but
# the core, the backend and their memory, which are the library's own.
SMMAP_TEST_WRAP_FILES = \
	tests/fake/absent.c \
	tests/fake/backend.h \
	tests/fake/memory.h \
	tests/support/harness.c \
	tests/support/harness.h \
	tests/support/harness_files.c \
	tests/support/platform.h \
	tests/support/platform_posix.c \
	tests/support/platform_posix_fake.c \
	tests/support/platform_posix_process.c \
	tests/support/runner.c \
	tests/support/scenario.c \
	tests/support/scenario.h \
	tests/wrap/calls.c \
	tests/wrap/memory.c \
	tests/wrap/modules.c \
	tests/wrap/test_wraps.c \
	tests/wrap/test_wraps_memory.c \
	tests/wrap/test_wraps_rest.c \
	tests/wrap/test_wraps_threads.c \
	tests/wrap/wrap.c \
	tests/wrap/wrap.h

SMMAP_TEST_PLATFORM_POSIX_FILES = \
	tests/fault/second_copy.h \
	tests/fault/test_signals.c \
	tests/fault/test_signals.h \
	tests/fault/test_signals_copies.c \
	tests/fault/test_signals_handlers.c \
	tests/fault/test_signals_sent.c \
	tests/fault/test_signals_thread.c \
	tests/fault/test_signals_two.c \
	tests/support/platform_posix.c \
	tests/support/platform_posix_fake.c \
	tests/support/platform_posix_process.c

SMMAP_TEST_PLATFORM_WINDOWS_FILES = \
	tests/fault/test_signals_windows.c \
	tests/support/platform_windows.c \
	tests/support/platform_windows_fault.c \
	tests/support/platform_windows_process.c

# The stress programs, for POSIX systems alone: what both are made of, and what each has
# besides. stress-posix links the backend, too; stress/posix.c includes the files of it that it
# wraps.
SMMAP_STRESS_FILES = \
	tests/fake/memory.c \
	tests/fake/memory.h \
	tests/stress/account.c \
	tests/stress/cut.c \
	tests/stress/life.c \
	tests/stress/main.c \
	tests/stress/mix.c \
	tests/stress/move.c \
	tests/stress/stress.h \
	tests/stress/watch.c \
	tests/stress/work.c \
	tests/support/leftover.c \
	tests/support/leftover.h

SMMAP_STRESS_POSIX_FILES = \
	tests/stress/posix.c

SMMAP_STRESS_FAKE_FILES = \
	tests/fake/backend.c \
	tests/fake/backend.h \
	tests/fake/control.c \
	tests/fake/files.c \
	tests/fake/guard.c \
	tests/fake/paranoid.c \
	tests/fake/state.h \
	tests/stress/fake.c \
	tests/support/platform.h \
	tests/support/platform_posix_fake.c

# The chaos program, for POSIX systems alone, with the backend of stress-posix.
SMMAP_CHAOS_FILES = \
	tests/chaos/account.c \
	tests/chaos/bytes.c \
	tests/chaos/chaos.h \
	tests/chaos/main.c \
	tests/chaos/read.c \
	tests/chaos/wreck.c \
	tests/fake/memory.c \
	tests/fake/memory.h \
	tests/stress/account.c \
	tests/stress/posix.c \
	tests/stress/stress.h \
	tests/stress/work.c \
	tests/support/leftover.c \
	tests/support/leftover.h

# The media program, for Linux alone. What it reads is mounted by tests/media/media.sh; the server
# of one of these needs libfuse 3, and is compiled by the lane.
SMMAP_MEDIA_FILES = \
	tests/fake/memory.c \
	tests/fake/memory.h \
	tests/media/bytes.h \
	tests/media/disk.c \
	tests/media/full.c \
	tests/media/group.c \
	tests/media/main.c \
	tests/media/media.h \
	tests/media/stacked.c \
	tests/media/user.c \
	tests/stress/account.c \
	tests/stress/posix.c \
	tests/stress/stress.h \
	tests/stress/work.c \
	tests/support/leftover.c \
	tests/support/leftover.h

# The model-based test, for POSIX systems alone; it replaces the backend and the memory as
# suite-fake does.
SMMAP_MODEL_FILES = \
	tests/fake/backend.c \
	tests/fake/backend.h \
	tests/fake/control.c \
	tests/fake/files.c \
	tests/fake/guard.c \
	tests/fake/memory.c \
	tests/fake/memory.h \
	tests/fake/paranoid.c \
	tests/fake/state.h \
	tests/model/buffer.c \
	tests/model/calls.c \
	tests/model/compare.c \
	tests/model/decode.c \
	tests/model/disk.c \
	tests/model/candidates.c \
	tests/model/file.c \
	tests/model/handle.c \
	tests/model/limits.c \
	tests/model/model.h \
	tests/model/move.c \
	tests/model/perform.c \
	tests/model/print.c \
	tests/model/read.c \
	tests/model/run.c \
	tests/model/stat.c \
	tests/model/world.c \
	tests/support/harness.h \
	tests/support/platform.h \
	tests/support/platform_posix_fake.c

# The program around it; a fuzzer has another one.
SMMAP_MODEL_MAIN_FILES = \
	tests/model/main.c

# What the command and the benchmark share.
SMMAP_CLI_FILES = \
	cli/console.c \
	cli/console.h \
	cli/options.c \
	cli/options.h \
	cli/output.c \
	cli/output.h \
	cli/program.c \
	cli/program.h \
	cli/size.c \
	cli/size.h \
	cli/system.h \
	cli/utf8.c \
	cli/utf8.h

SMMAP_CLI_POSIX_FILES = \
	cli/system_posix.c

SMMAP_CLI_WINDOWS_FILES = \
	cli/system_windows.c

# The command.
SMMAP_TOOL_FILES = \
	tools/cat.c \
	tools/complete.c \
	tools/crew.c \
	tools/crew.h \
	tools/find.c \
	tools/help.c \
	tools/holes.c \
	tools/holes.h \
	tools/info.c \
	tools/limits.c \
	tools/main.c \
	tools/memory.c \
	tools/memory.h \
	tools/pattern.c \
	tools/pattern.h \
	tools/patterns.c \
	tools/patterns.h \
	tools/print.c \
	tools/print.h \
	tools/progress.c \
	tools/progress.h \
	tools/search.c \
	tools/search.h \
	tools/settings.c \
	tools/source.c \
	tools/source.h \
	tools/stats.c \
	tools/tool.h \
	tools/tree.c \
	tools/triple.c \
	tools/triple.h \
	tools/walk.c

# The example, which needs zlib.
SMMAP_PACKSCAN_FILES = \
	examples/packscan.c \
	examples/packscan.h \
	examples/packscan_cache.c \
	examples/packscan_delta.c \
	examples/packscan_index.c \
	examples/packscan_inflate.c \
	examples/packscan_object.c \
	examples/packscan_pack.c \
	examples/packscan_print.c \
	examples/sha1.c \
	examples/sha1.h

# The benchmark: what smmap-bench and `smmap bench` share, what of it needs the system, and
# what smmap-bench has besides.
SMMAP_BENCH_FILES = \
	bench/bench.h \
	bench/cold.c \
	bench/contenders/all.c \
	bench/contenders/list.c \
	bench/contenders/loop.h \
	bench/contenders/map.c \
	bench/contenders/pread.c \
	bench/contenders/python_smmap.c \
	bench/contenders/raw.c \
	bench/contenders/smmap.c \
	bench/data.c \
	bench/expect.c \
	bench/instructions.c \
	bench/main.h \
	bench/measure.c \
	bench/options.c \
	bench/platform.h \
	bench/progress.c \
	bench/report/json.c \
	bench/report/report.h \
	bench/report/table.c \
	bench/report/target.c \
	bench/report/targets.c \
	bench/run.c \
	bench/runner.c \
	bench/sample.c \
	bench/workers.c \
	bench/workload.c \
	bench/zipf.c \
	bench/zipf.h

SMMAP_BENCH_POSIX_FILES = \
	bench/platform_posix.c

SMMAP_BENCH_OTHER_FILES = \
	bench/platform_none.c

SMMAP_BENCH_MAIN_FILES = \
	bench/main.c

# The script that a contender starts; it is installed.
SMMAP_BENCH_SCRIPT_FILES = \
	bench/contenders/python_smmap.py

# smmap-callcost: the price of the guard, and of opening a small file.
SMMAP_CALLCOST_FILES = \
	bench/callcost.c

# smmap-fetchcost: what reading ahead gains, and costs.
SMMAP_FETCHCOST_FILES = \
	bench/fetchcost.c

# smmap-bookkeeping: the core on a backend behind which there is nothing.
SMMAP_BOOKKEEPING_FILES = \
	bench/bench.h \
	bench/core/growth.c \
	bench/core/growth.h \
	bench/core/growth_cases.c \
	bench/core/growth_threads.c \
	bench/core/main.c \
	bench/core/memory.c \
	bench/core/miss_cost.c \
	bench/core/null_backend.c \
	bench/core/null_backend.h \
	bench/core/overhead.c \
	bench/core/overhead.h \
	bench/core/policy.c \
	bench/core/policy.h \
	bench/core/recorded.c \
	bench/core/replay.c \
	bench/core/trace.c \
	bench/core/trace.h \
	bench/report/report.h \
	bench/report/target.c \
	bench/sample.c \
	bench/zipf.c \
	bench/zipf.h
