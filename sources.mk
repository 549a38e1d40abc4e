# The one list of source files. Makefile.am includes it, and another build
# system can read it: it holds assignments of plain lists and nothing else, no
# condition, no reference to another variable. Paths count from the top. The
# names do not end in _SOURCES or _HEADERS, which automake takes for its own.

# The public interface, installed below smmap/.
SMMAP_HEADER_FILES = \
	include/smmap/buffer.h \
	include/smmap/cursor.h \
	include/smmap/export.h \
	include/smmap/manager.h \
	include/smmap/smmap.h \
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
	core/base/hash.c \
	core/base/hash.h \
	core/base/list.h \
	core/base/memory.h \
	core/base/pins.c \
	core/base/pins.h \
	core/base/slots.c \
	core/base/slots.h \
	core/base/status.c \
	core/base/window.c \
	core/cursor/advise.c \
	core/cursor/cursor.c \
	core/cursor/cursor.h \
	core/cursor/fault.c \
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
	core/lock.c \
	core/lock.h \
	core/manager/drop.c \
	core/manager/manager.c \
	core/manager/manager.h \
	core/manager/options.c \
	core/manager/pinned.c \
	core/manager/stats.c \
	core/read/buffer.c \
	core/read/direct.c \
	core/read/guard.c \
	core/read/read.c \
	core/read/read.h \
	core/region/evict.c \
	core/region/heap.c \
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
	backends/page_ends.h \
	backends/posix.c \
	backends/posix_chain.c \
	backends/posix_guard.c \
	backends/posix_guard.h \
	backends/posix_paranoid.c

SMMAP_BACKEND_WINDOWS_FILES = \
	backends/backend.h \
	backends/page_ends.h \
	backends/windows.c \
	backends/windows.h \
	backends/windows_file.c \
	backends/windows_guard.c \
	backends/windows_name.c \
	backends/windows_paranoid.c

# What both test programs are made of, and what each has besides: suite-posix, or
# suite-windows, runs on the real backend, suite-fake on one that fails when it is told
# to. Each needs the files of its platform, too.
SMMAP_TEST_FILES = \
	tests/fake_backend.h \
	tests/fake_memory.c \
	tests/fake_memory.h \
	tests/fixture.c \
	tests/fixture.h \
	tests/harness.c \
	tests/harness.h \
	tests/harness_files.c \
	tests/platform.h \
	tests/runner.c \
	tests/scenario.c \
	tests/scenario.h \
	tests/test_between.c \
	tests/test_budget.c \
	tests/test_buffer.c \
	tests/test_buffered.c \
	tests/test_contract.c \
	tests/test_contract_files.c \
	tests/test_cursor.c \
	tests/test_cutting.c \
	tests/test_exhausted.c \
	tests/test_failures.c \
	tests/test_faults.c \
	tests/test_fences.c \
	tests/test_fork.c \
	tests/test_growth.c \
	tests/test_guard.c \
	tests/test_ids.c \
	tests/test_input.c \
	tests/test_large.c \
	tests/test_lifetime.c \
	tests/test_limits.c \
	tests/test_manager.c \
	tests/test_paranoid.c \
	tests/test_pointers.c \
	tests/test_policy.c \
	tests/test_queue.c \
	tests/test_read.c \
	tests/test_refused.c \
	tests/test_release.c \
	tests/test_resized.c \
	tests/test_scan.c \
	tests/test_share.c \
	tests/test_slots.c \
	tests/test_stale.c \
	tests/test_status.c \
	tests/test_threads.c \
	tests/test_trace.c \
	tests/test_traced.c \
	tests/test_window.c

SMMAP_TEST_REAL_FILES = \
	tests/fake_absent.c \
	tests/modules.c

SMMAP_TEST_FAKE_FILES = \
	tests/fake_backend.c \
	tests/fake_control.c \
	tests/fake_files.c \
	tests/fake_guard.c \
	tests/fake_paranoid.c \
	tests/fake_state.h \
	tests/modules.c

# suite-wrap, where the linker can put functions before those of the C library: all of it but
# the core, the backend and their memory, which are the library's own.
SMMAP_TEST_WRAP_FILES = \
	tests/fake_absent.c \
	tests/fake_backend.h \
	tests/fake_memory.h \
	tests/harness.c \
	tests/harness.h \
	tests/harness_files.c \
	tests/platform.h \
	tests/platform_posix.c \
	tests/platform_posix_fake.c \
	tests/platform_posix_process.c \
	tests/runner.c \
	tests/scenario.c \
	tests/scenario.h \
	tests/test_wraps.c \
	tests/test_wraps_threads.c \
	tests/wrap.c \
	tests/wrap.h \
	tests/wrap_calls.c \
	tests/wrap_memory.c \
	tests/wrap_modules.c

SMMAP_TEST_PLATFORM_POSIX_FILES = \
	tests/platform_posix.c \
	tests/platform_posix_fake.c \
	tests/platform_posix_process.c \
	tests/test_signals.c \
	tests/test_signals.h \
	tests/test_signals_copies.c

SMMAP_TEST_PLATFORM_WINDOWS_FILES = \
	tests/platform_windows.c \
	tests/platform_windows_fault.c \
	tests/platform_windows_process.c \
	tests/test_signals_windows.c

# The stress programs, for POSIX systems alone: what both are made of, and what each has
# besides. stress_posix.c includes backends/posix.c.
SMMAP_STRESS_FILES = \
	tests/fake_memory.c \
	tests/fake_memory.h \
	tests/leftover.c \
	tests/leftover.h \
	tests/stress.c \
	tests/stress.h \
	tests/stress_account.c \
	tests/stress_cut.c \
	tests/stress_life.c \
	tests/stress_mix.c \
	tests/stress_move.c \
	tests/stress_watch.c \
	tests/stress_work.c

SMMAP_STRESS_POSIX_FILES = \
	backends/page_ends.h \
	backends/posix_chain.c \
	backends/posix_guard.c \
	backends/posix_guard.h \
	tests/stress_posix.c

SMMAP_STRESS_FAKE_FILES = \
	tests/fake_backend.c \
	tests/fake_backend.h \
	tests/fake_control.c \
	tests/fake_files.c \
	tests/fake_guard.c \
	tests/fake_paranoid.c \
	tests/fake_state.h \
	tests/platform.h \
	tests/platform_posix_fake.c \
	tests/stress_fake.c

# The chaos program, for POSIX systems alone, with the backend of stress-posix.
SMMAP_CHAOS_FILES = \
	backends/posix_chain.c \
	backends/posix_guard.c \
	backends/posix_guard.h \
	tests/chaos.c \
	tests/chaos.h \
	tests/chaos_account.c \
	tests/chaos_bytes.c \
	tests/chaos_read.c \
	tests/chaos_wreck.c \
	tests/fake_memory.c \
	tests/fake_memory.h \
	tests/leftover.c \
	tests/leftover.h \
	tests/stress.h \
	tests/stress_account.c \
	tests/stress_posix.c \
	tests/stress_work.c

# The media program, for Linux alone. What it reads is mounted by tests/media.sh; the server
# of one of these needs libfuse 3, and is compiled by the lane.
SMMAP_MEDIA_FILES = \
	backends/posix_chain.c \
	backends/posix_guard.c \
	backends/posix_guard.h \
	tests/fake_memory.c \
	tests/fake_memory.h \
	tests/leftover.c \
	tests/leftover.h \
	tests/media.c \
	tests/media.h \
	tests/media_bytes.h \
	tests/media_disk.c \
	tests/media_full.c \
	tests/media_user.c \
	tests/stress.h \
	tests/stress_account.c \
	tests/stress_posix.c \
	tests/stress_work.c

# The model-based test, for POSIX systems alone; it replaces the backend and the memory as
# suite-fake does.
SMMAP_MODEL_FILES = \
	tests/fake_backend.c \
	tests/fake_backend.h \
	tests/fake_control.c \
	tests/fake_files.c \
	tests/fake_guard.c \
	tests/fake_paranoid.c \
	tests/fake_memory.c \
	tests/fake_memory.h \
	tests/fake_state.h \
	tests/harness.h \
	tests/model.h \
	tests/model_buffer.c \
	tests/model_calls.c \
	tests/model_compare.c \
	tests/model_decode.c \
	tests/model_disk.c \
	tests/model_doubt.c \
	tests/model_file.c \
	tests/model_handle.c \
	tests/model_move.c \
	tests/model_perform.c \
	tests/model_print.c \
	tests/model_read.c \
	tests/model_room.c \
	tests/model_run.c \
	tests/model_stat.c \
	tests/model_world.c \
	tests/platform.h \
	tests/platform_posix_fake.c

# The program around it; a fuzzer has another one.
SMMAP_MODEL_MAIN_FILES = \
	tests/model_main.c

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
	cli/size.h

# The command.
SMMAP_TOOL_FILES = \
	tools/cat.c \
	tools/find.c \
	tools/help.c \
	tools/info.c \
	tools/main.c \
	tools/pattern.c \
	tools/pattern.h \
	tools/progress.c \
	tools/progress.h \
	tools/scan.c \
	tools/scan.h \
	tools/settings.c \
	tools/stats.c \
	tools/tool.h \
	tools/walk.c

# The examples. packscan needs zlib.
SMMAP_FIRST_FILES = \
	examples/first.c

SMMAP_READER_FILES = \
	examples/reader.c

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

# smmap-guardcost: the price of the guard.
SMMAP_GUARDCOST_FILES = \
	bench/guardcost.c

# smmap-bookkeeping: the core on a backend behind which there is nothing.
SMMAP_BOOKKEEPING_FILES = \
	bench/bench.h \
	bench/core/main.c \
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
