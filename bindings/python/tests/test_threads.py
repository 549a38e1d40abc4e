# SPDX-License-Identifier: BSD-3-Clause
"""Threads, with one cursor for all and with one each; windows come and go all the time."""
import random
import sys
import threading
import time

import pytest
from conftest import GRANULE
from smmap import SlidingWindowMapBuffer, SlidingWindowMapManager


@pytest.fixture(autouse=True)
def switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(count, work, seconds=1.0):
    """Call work(chance) in threads, again and again; what one raises is raised here."""
    end = time.monotonic() + seconds
    failures = []

    def run(seed):
        chance = random.Random(seed)
        try:
            while time.monotonic() < end and not failures:
                work(chance)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


@pytest.fixture
def big(make_file):
    return make_file(64 * GRANULE + 77)


@pytest.fixture
def tight():
    return SlidingWindowMapManager(GRANULE, 8 * GRANULE)


def test_a_cursor_each(tight, big):
    local = threading.local()

    def work(chance):
        if not hasattr(local, "cursor"):
            local.cursor = tight.make_cursor(big.path)
        offset = chance.randrange(len(big.data))
        view = local.cursor.use_region(offset, 3000).buffer()
        assert view == big.data[offset:offset + len(view)]

    together(4, work)


def test_a_buffer_for_all(tight, big):
    buffer = SlidingWindowMapBuffer(tight.make_cursor(big.path))

    def work(chance):
        begin = chance.randrange(len(big.data))
        end = begin + chance.choice((1, 100, 3 * GRANULE))
        assert buffer[begin] == big.data[begin]
        assert buffer[begin:end] == big.data[begin:end]
        assert buffer[begin:end:5] == big.data[begin:end:5]

    together(4, work)


def test_a_cursor_for_all(tight, big):
    """What it shows is another thread's business, too; the bytes are right all the same."""
    cursor = tight.make_cursor(big.path)

    def work(chance):
        offset = chance.randrange(len(big.data))
        what = chance.randrange(6)
        if what == 0:
            cursor.unuse_region()
        elif what == 1:
            assert cursor.read(offset, 5000) == big.data[offset:offset + 5000]
        elif what == 2:
            cursor.assign(tight.make_cursor(big.path).use_region(offset))
        elif what == 3:
            region = cursor.region()
            if region is not None:
                begin = region.ofs_begin()
                assert region.map()[:9] == big.data[begin:begin + 9]
        else:
            try:
                map_ = cursor.use_region(offset, 10).map()
                view = cursor.buffer()
            except ValueError:  # another thread let go of the window
                return
            found = map_[:]
            assert len(found) in (GRANULE, 77) and found in big.data
            assert view.tobytes() in big.data

    together(4, work)


def test_a_map_for_all(tight, big):
    map_ = tight.make_cursor(big.path).use_region(3 * GRANULE).map()
    expected = big.data[3 * GRANULE:4 * GRANULE]

    def work(chance):
        begin = chance.randrange(GRANULE)
        assert map_[begin:] == expected[begin:]
        with memoryview(map_) as view:
            assert view == expected
            assert map_[begin] == expected[begin]

    together(4, work)


def test_a_cursor_that_others_close(tight, big):
    cursor = tight.make_cursor(big.path)
    buffer = SlidingWindowMapBuffer(cursor)

    def work(chance):
        offset = chance.randrange(len(big.data))
        what = chance.randrange(8)
        try:
            if what == 0:
                cursor._destroy()
            elif what == 1:
                buffer.end_access()
            elif what == 2:
                buffer.begin_access(tight.make_cursor(big.path))
                cursor.__init__(tight, Regions(big.path))
            else:
                assert buffer[offset] == big.data[offset]
                assert buffer[offset:offset + 50] == big.data[offset:offset + 50]
        except ValueError:  # closed, or without a range
            pass

    class Regions(list):
        def __init__(self, path):
            self.path = path

        def path_or_fd(self):
            return self.path

    together(4, work)


@pytest.fixture
def ticks():
    """A list that grows whenever the GIL is let go; by force it is taken from nobody."""
    found = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            found.append(1)
            time.sleep(0)

    sys.setswitchinterval(100)
    thread = threading.Thread(target=tick)
    thread.start()
    yield found
    stop.set()
    thread.join()


def grew(ticks, work):
    before = len(ticks)
    work()
    return len(ticks) > before


def test_a_long_copy_lets_the_gil_go(make_file, ticks):
    size = 16 << 20  # milliseconds, so that the other thread can wake up
    file = make_file(size)
    cursor = SlidingWindowMapManager(size).make_cursor(file.path)
    map_ = cursor.use_region().map()
    assert any(grew(ticks, lambda: cursor.read(0, size)) for _ in range(100))
    assert any(grew(ticks, lambda: map_[:]) for _ in range(100))


def test_a_hit_does_not(make_file, ticks):
    file = make_file(64 * GRANULE)
    manager = SlidingWindowMapManager(GRANULE)
    cursor = manager.make_cursor(file.path)
    buffer = SlidingWindowMapBuffer(manager.make_cursor(file.path))
    for at in range(0, 64 * GRANULE, GRANULE):
        cursor.use_region(at, 1)
        buffer[at]

    def hits():
        for at in range(5, 64 * GRANULE, GRANULE):
            cursor.use_region(at, 1).buffer()[0]
            buffer[at]
            buffer[at:at + 100]
            cursor.read(at, 100)
            manager.make_cursor(file.path)

    hits()
    assert not grew(ticks, hits)
