# SPDX-License-Identifier: BSD-3-Clause
"""The reader that contenders/python_smmap.c starts: KIND PATH WINDOW MEMORY.

Each message on standard input is a line with its size and then so many bytes: offsets.
All accesses of a message are made in one loop, whose time and bytes go back to
standard output. A size of -1 asks for the number of windows that are mapped.
"""
import array
import sys
import time

try:
    import smmap
except ImportError:
    sys.exit(1)  # the contender reports it

kind, path = sys.argv[1:3]
window, memory = [int(text) or sys.maxsize for text in sys.argv[3:5]]
manager = smmap.SlidingWindowMapManager(window, memory)
cursor = manager.make_cursor(path)
clock = time.perf_counter_ns


def read_bytes(offsets, got):
    put = got.append
    use = cursor.use_region
    begin = clock()
    for offset in offsets:
        put(use(offset, 1).buffer()[0])
    return clock() - begin


def read_blocks(offsets, got):
    blocks = []
    put = blocks.append
    use = cursor.use_region
    begin = clock()
    for offset in offsets:
        put(bytes(use(offset, 4096).buffer()[:4096]))
    end = clock()
    for block in blocks:
        for at in range(0, 4096, 512):
            got.extend(block[at:at + 8])
    return end - begin


def answer(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


answer(b"ready\n")
for line in iter(sys.stdin.buffer.readline, b""):
    size = int(line)
    if size < 0:
        answer(b"%d\n" % manager.num_file_handles())
        continue
    data = sys.stdin.buffer.read(size)
    got = bytearray()
    spent = (read_blocks if kind == "blocks" else read_bytes)(array.array("q", data), got)
    answer(b"%d\n" % spent + got)
