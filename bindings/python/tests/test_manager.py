# SPDX-License-Identifier: BSD-3-Clause
import os
import sys

import pytest
import smmap
from conftest import GRANULE, descriptors, mappings
from smmap import SlidingWindowMapManager, StaticWindowMapManager, WindowCursor


def test_defaults():
    for make, window in ((StaticWindowMapManager, 0), (SlidingWindowMapManager, 1 << 30)):
        manager = make()
        assert manager.window_size() == window
        assert manager.max_mapped_memory_size() == 8 << 30
        assert manager.max_file_handles() == sys.maxsize
        assert manager.num_file_handles() == 0
        assert manager.num_open_files() == 0
        assert manager.mapped_memory_size() == 0
        assert manager.collect() == 0
    assert isinstance(manager, StaticWindowMapManager)


def test_window_size_is_rounded_up():
    assert SlidingWindowMapManager(1).window_size() == GRANULE
    assert SlidingWindowMapManager(GRANULE + 1).window_size() == 2 * GRANULE


def test_default_window_is_an_eighth_of_the_limit():
    assert SlidingWindowMapManager(-1, 1 << 20).window_size() == 1 << 17


def test_sliding_with_window_zero_maps_whole_files(file):
    manager = SlidingWindowMapManager(0)
    assert manager.window_size() == 0
    cursor = manager.make_cursor(file.path).use_region(5)
    assert bytes(cursor.buffer()) == file.data[5:]


def test_static_window_limits_what_a_cursor_shows(file):
    manager = StaticWindowMapManager(100)
    assert manager.window_size() == 100
    cursor = manager.make_cursor(file.path).use_region(7)
    assert (cursor.ofs_begin(), cursor.size()) == (7, 100)
    assert len(cursor.map()) == len(file.data)
    assert StaticWindowMapManager(-1).window_size() == 1 << 30


@pytest.mark.parametrize("args, error", [
    (("x",), TypeError),
    ((1.5,), TypeError),
    ((1 << 70,), OverflowError),
    ((1, -1), ValueError),
    ((1, 0, 0), ValueError),
    ((1, 0, -5), ValueError),
    ((1, 2, 3, 4), TypeError),
    ((sys.maxsize,), OSError),
])
def test_bad_arguments(args, error):
    with pytest.raises(error):
        SlidingWindowMapManager(*args)


def test_a_manager_is_made_once():
    manager = SlidingWindowMapManager()
    with pytest.raises(RuntimeError):
        manager.__init__()


def test_a_subclass_without_init_is_told():
    class Lazy(SlidingWindowMapManager):
        def __init__(self):
            pass

    for call in ("collect", "stats", "num_file_handles", "num_open_files", "window_size",
                 "mapped_memory_size", "max_file_handles", "max_mapped_memory_size", "set_limits"):
        with pytest.raises(ValueError):
            getattr(Lazy(), call)()
    for call, argument in (("make_cursor", "/"), ("drop", "/"), ("_collect_lru_region", 1)):
        with pytest.raises(ValueError):
            getattr(Lazy(), call)(argument)


def test_counts(manager, file, make_file):
    other = make_file(10, 2)
    a = manager.make_cursor(file.path)
    assert (manager.num_file_handles(), manager.num_open_files()) == (0, 0)
    a.use_region(0, 1)
    assert (manager.num_file_handles(), manager.num_open_files()) == (1, 1)
    assert manager.mapped_memory_size() == 2 * GRANULE
    a.use_region(2 * GRANULE, 1)
    assert (manager.num_file_handles(), manager.num_open_files()) == (2, 1)
    b = manager.make_cursor(other.path).use_region()
    assert (manager.num_file_handles(), manager.num_open_files()) == (3, 2)
    assert manager.mapped_memory_size() == 4 * GRANULE + 10
    assert manager.collect() == 1
    assert (manager.num_file_handles(), manager.num_open_files()) == (2, 2)
    del a, b
    assert manager.collect() == 2
    assert (manager.num_file_handles(), manager.num_open_files()) == (0, 0)


def test_stats(manager, file):
    cursor = manager.make_cursor(file.path).use_region()
    stats = manager.stats()
    assert (stats["regions"], stats["maps"], stats["cursors"]) == (1, 1, 1)
    assert stats["mapped_bytes"] == cursor.size() == 2 * GRANULE
    assert all(isinstance(value, int) for value in stats.values())


def test_memory_is_a_soft_limit(file):
    manager = SlidingWindowMapManager(GRANULE, 3 * GRANULE)
    cursor = manager.make_cursor(file.path)
    for number in range(9):
        assert cursor.use_region(number * GRANULE, 1).is_valid()
        assert manager.mapped_memory_size() <= 3 * GRANULE
    held = [manager.make_cursor(file.path).use_region(i * GRANULE) for i in range(6)]
    assert manager.mapped_memory_size() == 7 * GRANULE
    del held
    assert manager._collect_lru_region(0) == 6
    assert manager.num_file_handles() == 1


def test_handles_are_a_hard_limit_of_a_sliding_manager(file):
    manager = SlidingWindowMapManager(GRANULE, 0, 3)
    assert manager.max_file_handles() == 3
    held = [manager.make_cursor(file.path).use_region(i * GRANULE) for i in range(3)]
    cursor = manager.make_cursor(file.path)
    with pytest.raises(OSError) as error:
        cursor.use_region(5 * GRANULE)
    assert error.value.errno == 24
    assert error.value.filename == file.path
    assert not cursor.is_valid()
    # A copy needs no window.
    assert cursor.read(5 * GRANULE, 9) == file.data[5 * GRANULE:5 * GRANULE + 9]
    held.pop()
    assert cursor.use_region(5 * GRANULE).is_valid()
    assert manager.num_file_handles() == 3


def test_handles_are_a_soft_limit_of_a_static_manager(make_file):
    manager = StaticWindowMapManager(0, 0, 2)
    files = [make_file(100, seed) for seed in range(4)]
    held = [manager.make_cursor(file.path).use_region() for file in files]
    assert manager.num_file_handles() == 4
    del held
    manager.make_cursor(files[0].path).use_region()
    manager.make_cursor(make_file(50, 9).path).use_region()
    assert manager.num_file_handles() <= 2


def test_collect_lru_region(file):
    manager = SlidingWindowMapManager(GRANULE, 5 * GRANULE)
    assert manager._collect_lru_region(0) == 0
    assert manager._collect_lru_region(10) == 0
    assert manager._collect_lru_region(sys.maxsize) == 0
    cursor = manager.make_cursor(file.path)
    for number in range(5):
        cursor.use_region(number * GRANULE, 1)
    assert manager._collect_lru_region(2 * GRANULE) == 2
    assert manager.mapped_memory_size() == 3 * GRANULE
    assert manager._collect_lru_region(2 * GRANULE) == 0
    assert manager._collect_lru_region(sys.maxsize) == 2
    assert cursor.is_valid()
    with pytest.raises(ValueError):
        manager._collect_lru_region(-1)


def test_set_limits(file):
    manager = SlidingWindowMapManager(GRANULE, 9 * GRANULE)
    cursor = manager.make_cursor(file.path)
    for number in range(8):
        cursor.use_region(number * GRANULE, 1)
    cursor.unuse_region()
    manager.set_limits(max_memory_size=4 * GRANULE)
    assert manager.mapped_memory_size() <= 4 * GRANULE
    assert manager.max_mapped_memory_size() == 4 * GRANULE
    manager.set_limits(max_open_handles=2)
    assert manager.num_file_handles() <= 2
    assert manager.max_file_handles() == 2
    assert manager.max_mapped_memory_size() == 4 * GRANULE
    with pytest.raises(ValueError):
        manager.set_limits(max_open_handles=0)


def test_drop(manager, file):
    cursor = manager.make_cursor(file.path).use_region()
    assert manager.drop(os.path.dirname(file.path)) == 1
    cursor.unuse_region()
    assert manager.drop(file.path) == 0
    assert manager.num_file_handles() == 0
    assert descriptors(file.path) == mappings(file.path) == 0
    assert bytes(cursor.use_region(3, 4).buffer()) == file.data[3:7]
    with pytest.raises(TypeError):
        manager.drop(3)


def test_force_removal_does_nothing_here(manager, file):
    cursor = manager.make_cursor(file.path).use_region()
    assert manager.force_map_handle_removal_win(file.path) is None
    assert cursor.is_valid() and manager.num_file_handles() == 1


def test_make_cursor_takes_what_open_takes(manager, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.path.basename(file.path)
    odd = tmp_path / "na\u00efve \udc80"
    os.link(file.path, odd)
    with open(file.path, "rb") as stream:
        for item in (file.path, os.fsencode(file.path), tmp_path / name, name, str(odd),
                     stream.fileno()):
            cursor = manager.make_cursor(item)
            assert cursor.path_or_fd() is item
            assert bytes(cursor.use_region(1, 3).buffer()) == file.data[1:4]
    assert manager.num_open_files() == 1
    assert manager.make_cursor(path_or_fd=file.path).file_size() == len(file.data)


@pytest.mark.parametrize("item, error", [
    (None, TypeError),
    (1.5, TypeError),
    ([], TypeError),
    ("a\0b", ValueError),
    ("", FileNotFoundError),
    ("/nowhere/at/all", FileNotFoundError),
    ("/", OSError),
    ("/dev/null", OSError),
    (-1, ValueError),
    (1 << 40, ValueError),
    (1 << 80, ValueError),
    (12345, OSError),
])
def test_make_cursor_of_what_is_no_file(manager, item, error):
    with pytest.raises(error) as caught:
        manager.make_cursor(item)
    if isinstance(caught.value, OSError):
        assert caught.value.errno and caught.value.filename == item


def test_make_cursor_wants_one_argument(manager):
    for args, kwargs in (((), {}), (("a", "b"), {}), ((), {"path": "a"})):
        with pytest.raises(TypeError):
            manager.make_cursor(*args, **kwargs)


def test_an_empty_file(manager, make_file):
    cursor = manager.make_cursor(make_file(0).path)
    assert cursor.file_size() == 0
    assert not cursor.use_region().is_valid()
    assert cursor.read(0, 10) == b""
    with pytest.raises(ValueError):
        smmap.SlidingWindowMapBuffer(cursor)


def test_cursor_class_of_a_subclass(file):
    class MyCursor(WindowCursor):
        pass

    class MyManager(SlidingWindowMapManager):
        WindowCursorCls = MyCursor

    cursor = MyManager().make_cursor(file.path)
    assert type(cursor) is MyCursor
    assert bytes(cursor.use_region(2, 5).buffer()) == file.data[2:7]


def test_a_manager_without_guard(file):
    manager = SlidingWindowMapManager(GRANULE, guard=False)
    assert smmap.SlidingWindowMapBuffer(manager.make_cursor(file.path))[9] == file.data[9]
