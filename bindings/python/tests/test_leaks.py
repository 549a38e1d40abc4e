# SPDX-License-Identifier: BSD-3-Clause
"""What is left: descriptors, mappings, references, memory."""
import copy
import gc
import os
import sys

import pytest
from conftest import GRANULE, descriptors, mappings
from smmap import SlidingWindowMapBuffer, SlidingWindowMapManager, WindowCursor
from smmap.util import MapRegion


def test_all_goes_with_the_objects(file, nothing_left):
    manager = SlidingWindowMapManager(GRANULE)
    cursor = manager.make_cursor(file.path)
    for number in range(9):
        cursor.use_region(number * GRANULE, 1)
    assert descriptors(file.path) == 1 and mappings(file.path) >= 1
    del cursor, manager
    nothing_left(file.path)


def test_a_file_is_closed_with_its_last_window(manager, file):
    cursor = manager.make_cursor(file.path).use_region()
    del cursor
    assert descriptors(file.path) == 1
    manager.collect()
    assert descriptors(file.path) == mappings(file.path) == 0


def test_failures_leave_nothing(manager, file, nothing_left):
    for _ in range(100):
        with pytest.raises(ValueError):
            SlidingWindowMapBuffer(manager.make_cursor(file.path), 1 << 40)
        with pytest.raises(TypeError):
            manager.make_cursor(file.path).use_region("a")
        with pytest.raises(ValueError):
            MapRegion(file.path, 1 << 40, 1)
        with pytest.raises(OSError):
            manager.make_cursor(os.path.dirname(file.path))
    nothing_left(file.path)


def test_cycles_are_collected(file, nothing_left):
    class Cursor(WindowCursor):
        pass

    class Manager(SlidingWindowMapManager):
        WindowCursorCls = Cursor

    class Buffer(SlidingWindowMapBuffer):
        pass

    manager = Manager(GRANULE)
    cursor = manager.make_cursor(file.path).use_region()
    buffer = Buffer(cursor)
    cursor.buffer_of = buffer
    manager.cursors = [cursor, copy.copy(cursor)]
    del cursor, buffer, manager
    assert descriptors(file.path) == 1
    nothing_left(file.path)


def work(manager, file):
    """A bit of all."""
    cursor = manager.make_cursor(file.path)
    cursor.use_region(5, 10).buffer()[0]
    view = cursor.buffer()
    cursor.use_region(4 * GRANULE)
    twin = copy.copy(cursor)
    twin.assign(cursor)
    cursor.map()[1:5:2], cursor.map()[0], cursor.read(3, 9999)
    region = cursor.region()
    region == cursor.region(), region.client_count(), region.map()[:3], repr(region)
    buffer = SlidingWindowMapBuffer(cursor, 3, 5 * GRANULE)
    buffer[7], buffer[0:5], buffer[:], buffer[::3], buffer.cursor()
    buffer.begin_access(twin)
    MapRegion(file.path, 0, 100).map()[3]
    manager.stats(), manager.num_open_files(), manager.drop(file.path)
    for bad in (lambda: buffer[1 << 70], lambda: cursor.use_region(-1), lambda: buffer["a"],
                lambda: manager.make_cursor("/nowhere"), lambda: cursor.fd(),
                lambda: cursor.assign(3), lambda: SlidingWindowMapBuffer(cursor, 1 << 40)):
        try:
            bad()
        except (ValueError, TypeError, OSError, IndexError):
            pass
    with WindowCursor() as nothing:
        nothing.unuse_region()
    del view
    manager.collect()


def test_references(manager, file):
    path = file.path
    things = [manager, path, None, True, False, WindowCursor, SlidingWindowMapManager,
              SlidingWindowMapBuffer, b"", file.data]
    work(manager, file)
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(1000):
        work(manager, file)
    gc.collect()
    after = [sys.getrefcount(thing) for thing in things]
    # None and the like are also counted by what runs beside.
    assert all(abs(a - b) < 50 for a, b in zip(after, before)), list(zip(before, after))


def test_memory(manager, file):
    def pages():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1])

    for _ in range(4000):
        work(manager, file)
    before = pages()
    blocks = sys.getallocatedblocks()
    for _ in range(4000):
        work(manager, file)
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 500
    assert (pages() - before) * os.sysconf("SC_PAGESIZE") < 1 << 20
