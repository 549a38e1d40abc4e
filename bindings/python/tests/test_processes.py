# SPDX-License-Identifier: BSD-3-Clause
"""Forked and spawned processes, and sub-interpreters."""
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import pytest
import smmap
from conftest import GRANULE
from smmap import SlidingWindowMapBuffer, SlidingWindowMapManager


def in_fork(work):
    """Call work() in a forked child; it must return."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(1)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0
            return
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child did not end")


def test_objects_go_on_in_a_fork(manager, file):
    cursor = manager.make_cursor(file.path).use_region(5, 100)
    buffer = SlidingWindowMapBuffer(manager.make_cursor(file.path), 10)
    view = cursor.buffer()

    def work():
        assert view == cursor.buffer() == file.data[5:105]
        for number in range(9):
            assert cursor.use_region(number * GRANULE, 7).buffer() == file.data[
                number * GRANULE:number * GRANULE + 7]
            assert buffer[number * GRANULE] == file.data[number * GRANULE + 10]
        assert buffer[:] == file.data[10:]
        fresh = manager.make_cursor(file.path)
        assert fresh.read(0, 1 << 20) == file.data
        cursor.unuse_region()
        manager.collect()
        assert view == file.data[5:105]

    in_fork(work)
    work()


def test_a_fork_while_threads_work(file):
    manager = SlidingWindowMapManager(GRANULE, 4 * GRANULE)
    stop = threading.Event()
    buffer = SlidingWindowMapBuffer(manager.make_cursor(file.path))

    def busy():
        at = 0
        while not stop.is_set():
            at = (at + 7919) % len(file.data)
            assert buffer[at:at + 9000] == file.data[at:at + 9000]

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()

    def work():
        fresh = SlidingWindowMapManager(GRANULE).make_cursor(file.path)
        assert fresh.read(0, 1 << 20) == file.data
        try:
            assert buffer[5] == file.data[5]
        except RuntimeError as error:  # a thread that is gone was just using it
            assert "forked" in str(error)

    try:
        for _ in range(30):
            in_fork(work)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def read_all(path):
    cursor = SlidingWindowMapManager(GRANULE).make_cursor(path)
    return cursor.read(0, 1 << 20)


MANAGER = SlidingWindowMapManager(GRANULE, 4 * GRANULE)


def read_with_the_global_manager(path):
    return bytes(SlidingWindowMapBuffer(MANAGER.make_cursor(path))[:])


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("work", [read_all, read_with_the_global_manager])
def test_multiprocessing(file, method, work):
    assert work(file.path) == file.data
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(work, [file.path] * 6) == [file.data] * 6


def test_sub_interpreters_are_refused():
    program = """
import _xxsubinterpreters as interpreters
import smmap
one = interpreters.create()
try:
    interpreters.run_string(one, "import smmap")
except interpreters.RunFailedError as error:
    assert "ImportError" in str(error) and "interpreter" in str(error), error
    print("refused")
interpreters.destroy(one)
print(smmap.SlidingWindowMapManager().num_file_handles())
"""
    if sys.version_info >= (3, 13):
        pytest.skip("the module that makes sub-interpreters has another name")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("refused\n0\n", 0), done.stderr


def test_the_end_of_the_program_in_any_order(file):
    """Objects that are still there when the interpreter ends."""
    program = """
import sys, smmap
manager = smmap.SlidingWindowMapManager(4096)
cursor = manager.make_cursor(sys.argv[1]).use_region()
view = cursor.buffer()
sys.modules["view of all"] = smmap.SlidingWindowMapBuffer(cursor)[0:5]
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", program, file.path],
                          capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
