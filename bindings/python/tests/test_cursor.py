# SPDX-License-Identifier: BSD-3-Clause
import copy
import errno
import os
import pickle
import random
import sys
import weakref

import pytest
import smmap
from conftest import GRANULE, descriptors
from smmap import SlidingWindowMapManager, WindowCursor
from smmap.util import MapRegion, MapRegionList, MapWindow


def test_states(manager, file):
    cursor = manager.make_cursor(file.path)
    assert cursor.is_associated() and not cursor.is_valid()
    assert cursor.size() == 0 and cursor.region() is None
    assert not cursor.includes_ofs(0)
    for call in (cursor.buffer, cursor.map, cursor.ofs_begin, cursor.ofs_end):
        with pytest.raises(ValueError):
            call()
    assert cursor.use_region(10, 20) is cursor
    assert cursor.is_valid()
    assert (cursor.ofs_begin(), cursor.ofs_end(), cursor.size()) == (10, 30, 20)
    assert [cursor.includes_ofs(at) for at in (-1, 9, 10, 29, 30, 1 << 70)] == [
        False, False, True, True, False, False]
    cursor.unuse_region()
    cursor.unuse_region()
    assert cursor.is_associated() and not cursor.is_valid()
    cursor._destroy()
    cursor._destroy()
    assert not cursor.is_associated()


def test_on_no_file(manager):
    for cursor in (WindowCursor(), WindowCursor(manager), WindowCursor(regions=None)):
        assert not cursor.is_valid() and not cursor.is_associated()
        assert cursor.size() == 0 and cursor.region() is None
        for call in (cursor.use_region, cursor.buffer, cursor.map, cursor.file_size, cursor.path,
                     cursor.fd, cursor.path_or_fd, cursor.ofs_begin, cursor.ofs_end):
            with pytest.raises(ValueError):
                call()
        with pytest.raises(ValueError):
            cursor.read(0, 1)
        cursor.unuse_region()
        cursor._destroy()
        assert not copy.copy(cursor).is_associated()


def test_made_by_hand(manager, file):
    cursor = WindowCursor(manager, MapRegionList(file.path))
    assert bytes(cursor.use_region(4, 4).buffer()) == file.data[4:8]
    with pytest.raises(FileNotFoundError):
        cursor.__init__(manager, MapRegionList("/nowhere"))
    assert cursor.is_valid()
    cursor.__init__()
    assert not cursor.is_associated()
    for args in ((1,), (manager, 1, 2), (None, MapRegionList(file.path))):
        with pytest.raises(TypeError):
            WindowCursor(*args)
    with pytest.raises(AttributeError):
        WindowCursor(manager, [])


def test_every_window_and_edge(manager, file):
    cursor = manager.make_cursor(file.path)
    window = manager.window_size()
    size = len(file.data)
    for offset in sorted({0, 1, size - 1, size - 2, *range(0, size, window),
                          *range(window - 1, size, window), *range(window + 1, size, window)}):
        for wanted in (0, 1, 2, window - 1, window, window + 1, size):
            cursor.use_region(offset, wanted)
            end = min((offset // window + 1) * window, size)
            if wanted:
                end = min(end, offset + wanted)
            assert (cursor.ofs_begin(), cursor.ofs_end()) == (offset, end)
            assert cursor.buffer() == file.data[offset:end]
            begin = offset // window * window
            assert cursor.map()[:] == file.data[begin:begin + window]
    for offset in (size, size + 1, sys.maxsize, 2**63 - 1):
        cursor.use_region(0)
        assert not cursor.use_region(offset, 1).is_valid()


def test_random_moves(manager, file):
    chance = random.Random(7)
    cursors = [manager.make_cursor(file.path) for _ in range(4)]
    views = []
    for _ in range(3000):
        cursor = chance.choice(cursors)
        offset = chance.randrange(len(file.data))
        cursor.use_region(offset, chance.randrange(5000))
        expected = file.data[offset:offset + cursor.size()]
        assert cursor.buffer() == expected
        views.append((cursor.buffer(), expected))
        if len(views) > 50:
            view, expected = views.pop(chance.randrange(50))
            assert view == expected
            manager.collect()


@pytest.mark.parametrize("args, kwargs, error", [
    ((-1,), {}, ValueError),
    ((0, -1), {}, ValueError),
    ((0, 0, -1), {}, ValueError),
    (("0",), {}, TypeError),
    ((1.0,), {}, TypeError),
    ((None,), {}, TypeError),
    ((1 << 64,), {}, OverflowError),
    ((0, 1, 2, 3), {}, TypeError),
    ((0,), {"offset": 1}, TypeError),
    ((), {"begin": 1}, TypeError),
])
def test_bad_arguments_leave_it_where_it_is(manager, file, args, kwargs, error):
    cursor = manager.make_cursor(file.path).use_region(3, 4)
    with pytest.raises(error):
        cursor.use_region(*args, **kwargs)
    assert cursor.buffer() == file.data[3:7]


def test_arguments_by_name(manager, file):
    cursor = manager.make_cursor(file.path)
    assert cursor.use_region(size=5, flags=os.O_RDONLY, offset=6).buffer() == file.data[6:11]
    assert cursor.use_region(7, size=1).buffer() == file.data[7:8]
    assert cursor.use_region().ofs_begin() == 0


def test_a_view_keeps_its_bytes(manager, file):
    cursor = manager.make_cursor(file.path).use_region(0, 100)
    view = cursor.buffer()
    assert view.readonly and view.format == "B"
    cursor.use_region(50, 10)
    near = cursor.buffer()
    cursor.use_region(4 * GRANULE, 100)
    assert manager.num_file_handles() == 2
    assert manager.collect() == 0
    assert view == file.data[:100] and near == file.data[50:60]
    assert memoryview(view.obj) == file.data[:2 * GRANULE]
    del cursor
    assert manager.collect() == 1
    assert view == file.data[:100]
    del view
    assert manager.collect() == 0
    near.release()
    assert manager.collect() == 1


def test_a_view_outlives_all(file, nothing_left):
    view = SlidingWindowMapManager(GRANULE).make_cursor(file.path).use_region(9, 9).buffer()
    part = view[2:5]
    del view
    assert part == file.data[11:14]
    del part
    nothing_left(file.path)


def test_map(manager, file):
    map_ = manager.make_cursor(file.path).use_region(2 * GRANULE + 7).map()
    expected = file.data[2 * GRANULE:4 * GRANULE]
    assert len(map_) == len(expected)
    assert (map_[0], map_[-1], map_[77]) == (expected[0], expected[-1], expected[77])
    assert type(map_[1:3]) is bytes
    assert list(map_) == list(expected)
    chance = random.Random(3)
    for _ in range(500):
        cut = slice(*(chance.choice((None, chance.randrange(-9000, 9000))) for _ in range(2)),
                    chance.choice((None, 1, 2, 3, 63, 64, 65, 1000, -1, -2, -64, -5000)))
        assert map_[cut] == expected[cut], cut
    for key, error in ((len(expected), IndexError), (-len(expected) - 1, IndexError),
                       (1 << 70, IndexError), ("a", TypeError), (1.0, TypeError),
                       (slice(0, 1, 0), ValueError), (slice("a"), TypeError)):
        with pytest.raises(error):
            map_[key]
    with pytest.raises(TypeError):
        map_[0] = 1
    with memoryview(map_) as view:
        assert view == expected and map_[5:9] == expected[5:9]
        assert map_[::7] == expected[::7]
    with pytest.raises(TypeError):
        type(map_)()


def test_map_stays_with_its_window(manager, file):
    cursor = manager.make_cursor(file.path).use_region()
    map_ = cursor.map()
    cursor.use_region(4 * GRANULE)
    assert cursor.map()[:9] == file.data[4 * GRANULE:4 * GRANULE + 9]
    assert map_[:9] == file.data[:9]
    assert manager.collect() == 0
    del map_
    assert manager.collect() == 1


def test_read(manager, file):
    cursor = manager.make_cursor(file.path)
    size = len(file.data)
    assert cursor.read(0, size) == file.data
    assert cursor.read(5, size) == file.data[5:]
    assert cursor.read(size, 1) == cursor.read(size + 99, 1) == cursor.read(3, 0) == b""
    cursor.use_region(0, 5)
    view = cursor.buffer()
    assert cursor.read(3 * GRANULE, 2 * GRANULE) == file.data[3 * GRANULE:5 * GRANULE]
    assert view == file.data[:5]
    for args, error in (((-1, 1), ValueError), ((0, -1), ValueError), ((0,), TypeError),
                        (("a", 1), TypeError)):
        with pytest.raises(error):
            cursor.read(*args)


def test_copies(manager, file):
    cursor = manager.make_cursor(file.path).use_region(20, 10)
    twin = copy.copy(cursor)
    assert type(twin) is WindowCursor and twin.path_or_fd() is file.path
    assert (twin.ofs_begin(), twin.size()) == (20, 10)
    twin.use_region(4 * GRANULE, 1)
    assert cursor.buffer() == file.data[20:30]
    twin.assign(cursor)
    assert twin.buffer() == file.data[20:30]
    twin.assign(twin)
    assert twin.is_valid()
    twin.assign(WindowCursor())
    assert not twin.is_associated() and cursor.is_valid()
    other = SlidingWindowMapManager(GRANULE).make_cursor(file.path)
    other.assign(cursor)
    assert other.use_region(0).size() == manager.window_size()
    with pytest.raises(TypeError):
        other.assign(manager)


def test_no_copies_across_processes(manager, file):
    cursor = manager.make_cursor(file.path)
    for thing in (cursor, manager, cursor.use_region().map(), cursor.region(),
                  smmap.SlidingWindowMapBuffer(cursor)):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
        if thing is not cursor:
            with pytest.raises(TypeError):
                copy.copy(thing)


def test_context_manager(manager, file):
    with manager.make_cursor(file.path) as cursor:
        assert cursor.use_region().is_valid()
    assert not cursor.is_associated()
    manager.collect()
    assert descriptors(file.path) == 0


def test_path_and_fd(manager, file):
    cursor = manager.make_cursor(file.path)
    assert cursor.path() == cursor.path_or_fd() == file.path
    with pytest.raises(ValueError):
        cursor.fd()
    fd = os.open(file.path, os.O_RDONLY)
    cursor = manager.make_cursor(fd)
    os.close(fd)
    assert cursor.fd() == cursor.path_or_fd() == fd
    with pytest.raises(ValueError):
        cursor.path()
    assert cursor.use_region(1, 2).buffer() == file.data[1:3]


def test_region(manager, file):
    cursor = manager.make_cursor(file.path).use_region(2 * GRANULE + 5, 5)
    region = cursor.region()
    assert isinstance(region, MapRegion)
    assert (region.ofs_begin(), region.size()) == (2 * GRANULE, 2 * GRANULE)
    assert region.ofs_end() == 4 * GRANULE
    assert region.includes_ofs(2 * GRANULE) and not region.includes_ofs(4 * GRANULE)
    assert not region.includes_ofs(-1) and not region.includes_ofs(1 << 70)
    assert repr(region) == f"MapRegion<{2 * GRANULE}, {2 * GRANULE}>"
    assert region == cursor.region() and hash(region) == hash(cursor.region())
    assert not region != cursor.region()
    assert region.client_count() == 2
    twin = copy.copy(cursor)
    assert region.client_count() == 3
    del twin
    window = MapWindow.from_region(region)
    assert (window.ofs, window.size) == (2 * GRANULE, 2 * GRANULE)
    assert region.map()[:] == region.buffer()[:] == file.data[2 * GRANULE:4 * GRANULE]
    other = cursor.use_region(0).region()
    assert other != region and region != 1
    assert region.client_count() == 1
    assert manager.collect() == 1
    assert region.client_count() == 0
    assert weakref.ref(region)() is region
    with pytest.raises(TypeError):
        region < other


def test_regions_of_two_files_differ(manager, file, make_file):
    other = make_file(len(file.data), 2)
    one = manager.make_cursor(file.path).use_region().region()
    two = manager.make_cursor(other.path).use_region().region()
    assert (one.ofs_begin(), one.size()) == (two.ofs_begin(), two.size())
    assert one != two
    os.link(file.path, file.path + "-link")
    assert manager.make_cursor(file.path + "-link").use_region().region() == one


def test_region_by_hand(file, nothing_left):
    region = MapRegion(file.path, GRANULE, 100)
    assert (region.ofs_begin(), region.size(), region.client_count()) == (GRANULE, 100, 1)
    map_ = region.map()
    assert map_[:] == file.data[GRANULE:GRANULE + 100] and len(map_) == 100
    assert not region.increment_client_count()
    assert not region.increment_client_count(-1)
    with pytest.raises(ValueError):
        region.increment_client_count(-2)
    assert region.increment_client_count(-1)
    with pytest.raises(ValueError):
        region.map()
    assert map_[3] == file.data[GRANULE + 3]
    del map_
    with open(file.path, "rb") as stream:
        whole = MapRegion(stream.fileno(), 0, sys.maxsize)
    assert whole.size() == len(file.data) and whole.map()[:] == file.data
    whole.release()
    for args, error in (((file.path, len(file.data), 1), ValueError),
                        ((file.path, 0, 0), ValueError), ((file.path, -1, 1), ValueError),
                        (("/nowhere", 0, 1), FileNotFoundError), ((file.path,), TypeError)):
        with pytest.raises(error):
            MapRegion(*args)
    del region, whole
    smmap._smmap.MapRegion(__file__, 0, 1)


def test_a_file_that_grows(manager, make_file):
    file = make_file(100)
    cursor = manager.make_cursor(file.path).use_region()
    view = cursor.buffer()
    with open(file.path, "ab") as stream:
        stream.write(b"x" * GRANULE * 3)
    assert not cursor.use_region(100, 1).is_valid() and cursor.file_size() == 100
    assert cursor.refresh() == cursor.file_size() == 100 + 3 * GRANULE
    assert cursor.use_region(100, 5).buffer() == b"xxxxx"
    assert cursor.use_region(100 + 2 * GRANULE, 1).buffer() == b"x"
    assert view == file.data
    with pytest.raises(ValueError):
        WindowCursor().refresh()


@pytest.mark.parametrize("read", [
    lambda cursor, map_: map_[GRANULE],
    lambda cursor, map_: map_[50:200],
    lambda cursor, map_: map_[::3],
    lambda cursor, map_: cursor.read(GRANULE, 10),
    lambda cursor, map_: cursor.read(50, 150),
])
def test_a_file_that_is_cut_is_an_error(manager, make_file, read):
    file = make_file(8 * GRANULE)
    cursor = manager.make_cursor(file.path).use_region()
    map_ = cursor.map()
    os.truncate(file.path, 100)
    with pytest.raises(OSError) as error:
        read(cursor, map_)
    assert error.value.errno == errno.EIO and error.value.filename == file.path
    assert map_[:100] == cursor.read(0, 100) == cursor.read(0, 999) == file.data[:100]


def test_a_view_survives_a_failed_read(manager, make_file):
    """The guard lets go of a window that faulted; a view must keep it."""
    file = make_file(8 * GRANULE)
    cursor = manager.make_cursor(file.path).use_region()
    map_ = cursor.map()
    view = cursor.buffer()
    os.truncate(file.path, GRANULE)
    with pytest.raises(OSError):
        map_[GRANULE:]
    assert cursor.read(GRANULE, 5) == b""
    manager.collect()
    assert view[:GRANULE] == file.data[:GRANULE]


def test_a_replaced_file(manager, make_file, tmp_path):
    file = make_file(100)
    cursor = manager.make_cursor(file.path).use_region()
    fresh = make_file(200, 2)
    os.rename(fresh.path, file.path)
    assert cursor.buffer() == file.data
    del cursor
    manager.drop(file.path)
    manager.collect()
    assert manager.make_cursor(file.path).use_region().buffer() == fresh.data
