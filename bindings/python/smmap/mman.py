# SPDX-License-Identifier: BSD-3-Clause
"""The managers, and the cursor."""
import sys

from ._smmap import Manager, WindowCursor
from .util import MapRegion, MapRegionList, MapWindow

__all__ = ["StaticWindowMapManager", "SlidingWindowMapManager", "WindowCursor"]


class StaticWindowMapManager(Manager):
    """A manager whose windows are whole files.

    window_size: the most bytes that a cursor shows at a time; 0: all, -1: 1 GiB (64 MiB in a
    32-bit program). max_memory_size: bytes mapped at a time, a soft limit; 0: 8 GiB (1 GiB).
    max_open_handles: windows mapped at a time, a soft limit. guard: copies survive faults.
    """

    __slots__ = ()

    MapRegionListCls = MapRegionList
    MapWindowCls = MapWindow
    MapRegionCls = MapRegion
    WindowCursorCls = WindowCursor

    def __init__(self, window_size=0, max_memory_size=0, max_open_handles=sys.maxsize, *,
                 guard=True):
        super().__init__(window_size, max_memory_size, max_open_handles, False, guard)

    def force_map_handle_removal_win(self, base_path):
        """Nothing, as in smmap where the system is not Windows. See drop()."""


class SlidingWindowMapManager(StaticWindowMapManager):
    """A manager with windows of one size on a grid.

    window_size: bytes, rounded up to ALLOCATIONGRANULARITY; -1: 1 GiB (64 MiB in a 32-bit
    program), but at most an eighth of max_memory_size; 0: whole files. max_memory_size: as for
    StaticWindowMapManager. max_open_handles: windows mapped at a time, a hard limit: OSError
    (EMFILE) if all are in use.
    """

    __slots__ = ()

    def __init__(self, window_size=-1, max_memory_size=0, max_open_handles=sys.maxsize, *,
                 guard=True):
        Manager.__init__(self, window_size, max_memory_size, max_open_handles, True, guard)
