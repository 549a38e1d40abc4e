# SPDX-License-Identifier: BSD-3-Clause
"""The buffer."""
from ._smmap import SlidingWindowMapBuffer

__all__ = ["SlidingWindowMapBuffer"]
