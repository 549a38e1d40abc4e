# SPDX-License-Identifier: BSD-3-Clause
"""What the tests share: files of known bytes, and what the process has open and mapped."""
import gc
import os
import random

import pytest
import smmap

GRANULE = smmap.util.ALLOCATIONGRANULARITY


class File:
    """A file, with its path and bytes."""

    def __init__(self, path, data):
        self.path = str(path)
        self.data = data
        path.write_bytes(data)


@pytest.fixture
def make_file(tmp_path):
    def make(size, seed=1):
        data = random.Random(seed).randbytes(size)
        return File(tmp_path / f"file-{size}-{seed}", data)

    return make


@pytest.fixture
def file(make_file):
    """Five windows of two granules, the last of which is cut."""
    return make_file(9 * GRANULE + 123)


@pytest.fixture
def manager():
    return smmap.SlidingWindowMapManager(2 * GRANULE, 1 << 20)


def descriptors(path):
    """How many of this process are open on a file."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{name}") == path
        except OSError:
            pass
    return count


def mappings(path):
    """How many of this process are on a file."""
    with open("/proc/self/maps") as maps:
        return sum(line.rstrip("\n").endswith(path) for line in maps)


@pytest.fixture
def nothing_left():
    """check(path): all that is on the file goes with the objects."""

    def check(path):
        gc.collect()
        assert descriptors(path) == 0
        assert mappings(path) == 0

    return check
