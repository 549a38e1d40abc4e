# SPDX-License-Identifier: BSD-3-Clause
"""Windows, regions, and what the machine has."""
import os
import sys

from ._smmap import ALLOCATIONGRANULARITY, MapRegion

__all__ = ["align_to_mmap", "is_64_bit",
           "MapWindow", "MapRegion", "MapRegionList", "ALLOCATIONGRANULARITY"]


def align_to_mmap(num, round_up):
    """num, rounded down or up to a multiple of ALLOCATIONGRANULARITY."""
    below = num - num % ALLOCATIONGRANULARITY
    return below + ALLOCATIONGRANULARITY if round_up and below != num else below


def is_64_bit():
    """Is this a 64-bit program?"""
    return sys.maxsize > 2**32 - 1


class MapWindow:
    """A range of a file: ofs and size, in bytes."""

    __slots__ = ("ofs", "size")

    def __init__(self, offset, size):
        self.ofs = offset
        self.size = size

    def __repr__(self):
        return f"MapWindow({self.ofs}, {self.size})"

    @classmethod
    def from_region(cls, region):
        """The window of a region."""
        return cls(region.ofs_begin(), region.size())

    def ofs_end(self):
        """The offset of the byte after the window."""
        return self.ofs + self.size

    def align(self):
        """Grow to whole granules: every byte that was covered still is."""
        end = align_to_mmap(self.ofs_end(), True)
        self.ofs = align_to_mmap(self.ofs, False)
        self.size = end - self.ofs

    def extend_left_to(self, window, max_size):
        """Begin where the window on the left ends, as far as max_size allows."""
        end = self.ofs_end()
        self.ofs = min(self.ofs, max(window.ofs_end(), end - max_size))
        self.size = end - self.ofs

    def extend_right_to(self, window, max_size):
        """End where the window on the right begins, as far as max_size allows."""
        self.size = max(self.size, min(window.ofs - self.ofs, max_size))


class MapRegionList(list):
    """The regions of one file, with its path or descriptor."""

    __slots__ = ("_path_or_fd", "_file_size")

    def __init__(self, path_or_fd):
        super().__init__()
        self._path_or_fd = path_or_fd
        self._file_size = None

    def path_or_fd(self):
        """The path or descriptor of the file."""
        return self._path_or_fd

    def file_size(self):
        """Bytes of the file, when this was called first."""
        if self._file_size is None:
            self._file_size = os.stat(self._path_or_fd).st_size
        return self._file_size
