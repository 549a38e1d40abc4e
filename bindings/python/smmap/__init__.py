# SPDX-License-Identifier: BSD-3-Clause
"""Random access to files through windows of mapped memory, within limits.

The interface of smmap 5, on libsmmap. See README.md and DIFFERENCES.md of this binding.
"""
from ._smmap import library_version
from .mman import *
from .buf import *

version_info = (5, 0, 0)
"""The version of smmap whose interface this is."""
__version__ = "5.0.0+libsmmap." + library_version()
