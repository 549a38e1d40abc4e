# SPDX-License-Identifier: BSD-3-Clause
import ast
import os
import pathlib
import sys

import pytest
import smmap
from smmap.util import (ALLOCATIONGRANULARITY, MapRegionList, MapWindow, align_to_mmap, is_64_bit)


def test_names():
    assert smmap.mman.__all__ == ["StaticWindowMapManager", "SlidingWindowMapManager",
                                  "WindowCursor"]
    assert smmap.buf.__all__ == ["SlidingWindowMapBuffer"]
    assert set(smmap.util.__all__) == {"align_to_mmap", "is_64_bit", "MapWindow", "MapRegion",
                                       "MapRegionList", "ALLOCATIONGRANULARITY"}
    for name in smmap.mman.__all__ + smmap.buf.__all__:
        assert getattr(smmap, name).__doc__
    assert smmap.__version__ == "5.0.0+libsmmap." + smmap.library_version()
    assert smmap.version_info[0] == 5


def test_align():
    granule = ALLOCATIONGRANULARITY
    assert [align_to_mmap(at, False) for at in (0, 1, granule - 1, granule, granule + 1)] == [
        0, 0, 0, granule, granule]
    assert [align_to_mmap(at, True) for at in (0, 1, granule - 1, granule, granule + 1)] == [
        0, granule, granule, granule, 2 * granule]


def test_64_bit():
    assert is_64_bit() is (sys.maxsize > 1 << 32)


def test_window():
    window = MapWindow(10, 5)
    assert window.ofs_end() == 15 and repr(window) == "MapWindow(10, 5)"
    window.align()
    assert (window.ofs, window.size) == (0, ALLOCATIONGRANULARITY)


@pytest.mark.parametrize("offset, size, left, most, expected", [
    (10, 5, (0, 4), 100, (4, 11)),
    (10, 5, (0, 4), 8, (7, 8)),
    (10, 5, (0, 10), 100, (10, 5)),
    (10, 5, (0, 4), 3, (10, 5)),
])
def test_extend_left(offset, size, left, most, expected):
    window = MapWindow(offset, size)
    window.extend_left_to(MapWindow(*left), most)
    assert (window.ofs, window.size) == expected


@pytest.mark.parametrize("offset, size, right, most, expected", [
    (10, 5, 20, 100, (10, 10)),
    (10, 5, 20, 8, (10, 8)),
    (10, 5, 15, 100, (10, 5)),
    (10, 5, 20, 3, (10, 5)),
])
def test_extend_right(offset, size, right, most, expected):
    window = MapWindow(offset, size)
    window.extend_right_to(MapWindow(right, 1), most)
    assert (window.ofs, window.size) == expected


def test_an_unaligned_window_still_covers_its_bytes():
    window = MapWindow(ALLOCATIONGRANULARITY - 1, 2)
    window.align()
    assert (window.ofs, window.size) == (0, 2 * ALLOCATIONGRANULARITY)


def test_region_list(file):
    fd = os.open(file.path, os.O_RDONLY)
    for item in (file.path, fd):
        regions = MapRegionList(item)
        assert len(regions) == 0 and regions.path_or_fd() is item
        assert regions.file_size() == len(file.data)
    os.close(fd)
    os.truncate(file.path, 3)
    assert regions.file_size() == len(file.data)


@pytest.mark.parametrize("name", ["_smmap", "mman", "util"])
def test_stubs_have_what_is_there(name):
    """All public classes and methods, and no others."""
    stub = pathlib.Path(smmap.__file__).with_name(name + ".pyi")
    module = sys.modules["smmap." + name]
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            written = {member.name for member in node.body
                       if isinstance(member, ast.FunctionDef)}
            there = {key for key, value in vars(getattr(module, node.name)).items()
                     if callable(value) or isinstance(value, classmethod)}
            assert {key for key in written if not key.startswith("__")} == {
                key for key in there if not key.startswith("__") and not key.endswith("Cls")}
        elif isinstance(node, ast.FunctionDef):
            assert callable(getattr(module, node.name))
