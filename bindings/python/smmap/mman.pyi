# SPDX-License-Identifier: BSD-3-Clause
import sys

from ._smmap import Manager, MapRegion as MapRegion, WindowCursor as WindowCursor
from .util import MapRegionList as MapRegionList, MapWindow as MapWindow

__all__ = ["StaticWindowMapManager", "SlidingWindowMapManager", "WindowCursor"]

class StaticWindowMapManager(Manager):
    MapRegionListCls: type[MapRegionList]
    MapWindowCls: type[MapWindow]
    MapRegionCls: type[MapRegion]
    WindowCursorCls: type[WindowCursor]
    def __init__(self, window_size: int = 0, max_memory_size: int = 0,
                 max_open_handles: int = sys.maxsize, *, guard: bool = True) -> None: ...
    def force_map_handle_removal_win(self, base_path: str) -> None: ...

class SlidingWindowMapManager(StaticWindowMapManager):
    def __init__(self, window_size: int = -1, max_memory_size: int = 0,
                 max_open_handles: int = sys.maxsize, *, guard: bool = True) -> None: ...
