# SPDX-License-Identifier: BSD-3-Clause
import os
import random
import sys

import pytest
import smmap
from conftest import GRANULE
from smmap import SlidingWindowMapBuffer as Buffer
from smmap import SlidingWindowMapManager, StaticWindowMapManager, WindowCursor


@pytest.fixture(params=["sliding", "static"])
def cursor(request, file):
    manager = (SlidingWindowMapManager(2 * GRANULE, 4 * GRANULE) if request.param == "sliding"
               else StaticWindowMapManager())
    return manager.make_cursor(file.path)


def test_empty():
    buffer = Buffer()
    assert buffer.cursor() is None and len(buffer) == 0
    buffer.end_access()
    assert buffer.begin_access() is False
    for key in (0, -1, slice(0, 1), slice(None, None, 2)):
        with pytest.raises(ValueError):
            buffer[key]


def test_bad_arguments(cursor, file):
    for args, error in (((WindowCursor(),), ValueError), ((cursor, len(file.data)), ValueError),
                        ((cursor, -1), ValueError), ((cursor, 0, -1), ValueError),
                        ((1,), TypeError), ((cursor, "a"), TypeError), ((cursor, 0, 1, 0, 5), TypeError),
                        ((cursor, 1 << 70), OverflowError)):
        with pytest.raises(error):
            Buffer(*args)
    buffer = Buffer(cursor)
    with pytest.raises(TypeError):
        buffer["a"]
    with pytest.raises(TypeError):
        buffer[1.0]
    with pytest.raises(ValueError):
        buffer[::0]
    with pytest.raises(TypeError):
        buffer[0] = 1


def test_range(cursor, file):
    data = file.data
    for offset, size in ((0, sys.maxsize), (5, sys.maxsize), (0, 5), (2 * GRANULE - 3, 7),
                         (len(data) - 1, 1), (7, len(data)), (100, 0)):
        buffer = Buffer(cursor, offset, size)
        expected = data[offset:offset + size]
        assert len(buffer) == len(expected)
        assert bytes(buffer[:]) == expected
        for index in (0, -1, len(expected) // 2):
            if expected:
                assert buffer[index] == expected[index]
        for index in (len(expected), -len(expected) - 1, sys.maxsize, 1 << 70):
            with pytest.raises(IndexError):
                buffer[index]


def test_is_relative_to_its_offset(cursor, file):
    buffer = Buffer(cursor, 1000)
    assert buffer[0] == file.data[1000]
    assert buffer[-1] == file.data[-1]
    assert bytes(buffer[2:5]) == file.data[1002:1005]


def test_random_slices(cursor, file):
    chance = random.Random(5)
    buffer = Buffer(cursor, 11, len(file.data) - 20)
    expected = file.data[11:-9]
    kept = []
    for _ in range(1500):
        cut = slice(*(chance.choice((None, chance.randrange(-40000, 40000))) for _ in range(2)),
                    chance.choice((None, None, None, 1, 2, 63, 64, 65, 7000, -1, -3, -9000)))
        got = buffer[cut]
        assert got == expected[cut], cut
        index = chance.randrange(len(expected))
        assert buffer[index] == expected[index]
        kept.append((got, expected[cut]))
        if len(kept) > 20:
            got, was = kept.pop(chance.randrange(20))
            assert got == was


def test_types_of_slices(file):
    buffer = Buffer(SlidingWindowMapManager(2 * GRANULE).make_cursor(file.path))
    assert type(buffer[0:10]) is memoryview
    assert type(buffer[2 * GRANULE:4 * GRANULE]) is memoryview
    assert type(buffer[0:2 * GRANULE + 1]) is bytes
    assert type(buffer[0:10:2]) is bytes
    assert buffer[0:0] == buffer[5:3] == b""


def test_iteration(make_file):
    file = make_file(3 * GRANULE + 1)
    buffer = Buffer(SlidingWindowMapManager(GRANULE).make_cursor(file.path))
    assert bytes(iter(buffer)) == file.data
    assert file.data[-1] in buffer


def test_begin_and_end(cursor, file, make_file):
    buffer = Buffer()
    assert buffer.begin_access(cursor, len(file.data)) is False
    assert buffer.begin_access(cursor, 100) is True
    assert buffer.cursor() is cursor and len(buffer) == len(file.data) - 100
    assert buffer.begin_access() is True
    assert len(buffer) == len(file.data) and cursor.is_valid()
    buffer.end_access()
    assert len(buffer) == 0
    assert not cursor.is_valid() and cursor.is_associated()
    with pytest.raises(ValueError):
        buffer[0]
    assert buffer.begin_access(offset=3, size=4, flags=0) is True
    assert buffer[:] == file.data[3:7]
    other = make_file(50, 2)
    second = SlidingWindowMapManager().make_cursor(other.path)
    assert buffer.begin_access(second)
    assert not cursor.is_valid() and buffer[:] == other.data


def test_end_of_the_buffer_ends_access(cursor):
    buffer = Buffer(cursor)
    del buffer
    assert not cursor.is_valid() and cursor.is_associated()
    with Buffer(cursor) as buffer:
        assert cursor.is_valid()
    assert not cursor.is_valid() and len(buffer) == 0


def test_two_buffers_on_a_cursor(cursor, file):
    one = Buffer(cursor, 0, 100)
    two = Buffer(cursor, 4 * GRANULE, 100)
    for index in range(100):
        assert (one[index], two[index]) == (file.data[index], file.data[4 * GRANULE + index])


def test_the_cursor_follows(make_file):
    file = make_file(40 * GRANULE)
    cursor = SlidingWindowMapManager(2 * GRANULE).make_cursor(file.path)
    buffer = Buffer(cursor)
    assert buffer[5 * GRANULE] == file.data[5 * GRANULE]
    assert cursor.ofs_begin() == 5 * GRANULE
    assert cursor.map()[:] == file.data[4 * GRANULE:6 * GRANULE]
    assert cursor.buffer()[0] == file.data[5 * GRANULE]


def test_a_closed_cursor(cursor):
    buffer = Buffer(cursor)
    cursor._destroy()
    with pytest.raises(ValueError):
        buffer[0]
    with pytest.raises(ValueError):
        buffer[0:5]
    assert buffer.begin_access() is False


def test_a_file_that_is_cut_is_an_error(make_file):
    file = make_file(8 * GRANULE)
    buffer = Buffer(SlidingWindowMapManager(GRANULE).make_cursor(file.path))
    view = buffer[0:100]
    os.truncate(file.path, 100)
    for key in (100, -1, slice(50, 3 * GRANULE), slice(GRANULE, GRANULE + 5),
                slice(None, None, 100)):
        with pytest.raises(OSError):
            buffer[key]
    assert view == buffer[0:100] == file.data[:100]


def test_zeroes_are_no_error(tmp_path):
    path = tmp_path / "zeroes"
    path.write_bytes(bytes(4 * GRANULE))
    buffer = Buffer(SlidingWindowMapManager(GRANULE).make_cursor(str(path)))
    assert buffer[GRANULE - 1] == buffer[GRANULE] == 0
    assert buffer[:] == bytes(4 * GRANULE)


def test_subclass(cursor, file):
    class Mine(Buffer):
        def __getitem__(self, key):
            return super().__getitem__(key)

    buffer = Mine(cursor)
    buffer.note = buffer
    assert buffer[3] == file.data[3]
    assert smmap.SlidingWindowMapBuffer is Buffer
