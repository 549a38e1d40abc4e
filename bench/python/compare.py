#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Python binding beside smmap: processor time, A B A B in one run.

    compare.py [--theirs PYTHON] [--rounds N] [--only WORD] [--json]

Run it with a Python that has the binding; --theirs is one that has smmap itself (on Debian
/usr/bin/python3, with python3-smmap and python3-gitdb). Each round starts a process of each, which
measures every case several times. The table has medians over the rounds.

In each case both do the same calls, which are all of smmap's interface. A file has random bytes;
windows have 64 KiB, and the files are in the page cache.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WINDOW = 65536
WINDOWS = 1024


def measure(work, count):
    """Nanoseconds of processor time for each of `count`, the best of three or more."""
    spent = []
    end = time.monotonic() + 0.2
    while len(spent) < 3 or time.monotonic() < end:
        begin = time.process_time_ns()
        work()
        spent.append((time.process_time_ns() - begin) / count)
    return min(spent)


def cases(directory):
    """Yields name, calls per run, and what makes them."""
    import smmap
    path = os.path.join(directory, "file")
    chance = random.Random(1)
    near = [chance.randrange(100, 60000) for _ in range(2000)]
    far = [chance.randrange(WINDOWS) * WINDOW + chance.randrange(WINDOW - 5000)
           for _ in range(2000)]
    every = list(range(0, WINDOWS * WINDOW, WINDOW))
    chance.shuffle(every)

    def fresh(limit=1 << 30):
        return smmap.SlidingWindowMapManager(WINDOW, limit)

    def loop(body, offsets):
        text = f"def run(offsets, c, b, m, path):\n for o in offsets:\n  {body}\n"
        names = {}
        exec(text, names)
        manager = fresh()
        cursor = manager.make_cursor(path)
        buffer = smmap.SlidingWindowMapBuffer(manager.make_cursor(path))
        for at in every:
            cursor.use_region(at, 1)
        run = names["run"]
        return len(offsets), lambda: run(offsets, cursor, buffer, manager, path)

    yield "buffer index, one window", *loop("b[o]", near)
    yield "buffer index, 1,024 windows", *loop("b[o]", far)
    yield "slice of 64 bytes, one window", *loop("b[o:o + 64]", near)
    yield "slice of 4 KiB, one window", *loop("b[o:o + 4096]", near)
    yield "slice of 4 KiB, 1,024 windows", *loop("b[o:o + 4096]", far)
    yield "slice of 4 KiB, across two windows", *loop("b[o - 2000:o + 2096]", every[1:])
    yield "slice of 1 MiB, 16 windows", *loop("b[o:o + 1048576]", far[:50])
    yield "use_region, one window", *loop("c.use_region(o, 1)", near)
    yield "use_region, 1,024 windows", *loop("c.use_region(o, 1)", far)
    yield "use_region and buffer()[0], 1,024 windows", *loop("c.use_region(o, 1).buffer()[0]", far)
    yield "make_cursor", *loop("m.make_cursor(path)", near)

    tight = fresh(16 * WINDOW).make_cursor(path)
    yield "evictions, 16 of 1,024 windows", len(every), lambda: [
        tight.use_region(at, 1) for at in every]

    pack = os.path.join(directory, "pack")
    if os.path.isdir(pack):
        from gitdb.pack import PackEntity
        name, = (name for name in os.listdir(pack) if name.endswith(".pack"))
        entity = PackEntity(os.path.join(pack, name))
        count = entity.index().size()
        yield "gitdb: all objects of a pack", count, lambda: [
            stream.read() for stream in entity.stream_iter()]
        yield "gitdb: all objects by their ids", count, lambda: [
            entity.stream(info.binsha).read() for info in entity.info_iter()]


def child(directory, only):
    import smmap
    found = {name: measure(work, count) for name, count, work in cases(directory)
             if only in name}
    json.dump([hasattr(smmap, "library_version"), smmap.__version__, found], sys.stdout)


def make_pack(directory):
    """A pack of a thousand versions of files, with deltas; three thousand objects of some KiB."""
    chance = random.Random(2)
    words = [b"%x" % chance.getrandbits(40) for _ in range(2000)]
    lines = [b" ".join(chance.choices(words, k=8)) for _ in range(30)]
    stream = []
    for number in range(1000):
        for _ in range(3):
            lines[chance.randrange(len(lines))] = b" ".join(chance.choices(words, k=8))
        text = b"\n".join(lines)
        stream.append(b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx"
                      b"M 644 inline file-%d\ndata %d\n%s\n"
                      % (10**9 + number, number % 5, len(text), text))
    top = os.path.join(directory, "repository")
    git = ["git", "-C", top, "-c", "gc.auto=0"]
    subprocess.run(["git", "init", "-q", "--bare", top], check=True)
    subprocess.run([*git, "fast-import", "--quiet"], input=b"\n".join(stream), check=True)
    subprocess.run([*git, "repack", "-adqf"], check=True)
    shutil.copytree(os.path.join(top, "objects", "pack"), os.path.join(directory, "pack"))


def run(python, directory, only):
    done = subprocess.run([python, __file__, "--child", directory, "--only", only],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{python}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--theirs", default="/usr/bin/python3", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", metavar="WORD", help="cases with WORD in the name")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options.child, options.only)
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "file"), "wb") as file:
            file.write(random.Random(3).randbytes(WINDOWS * WINDOW))
        has_gitdb = subprocess.run([options.theirs, "-c", "import gitdb"]).returncode == 0
        if has_gitdb and shutil.which("git"):
            make_pack(directory)
        results = {True: [], False: []}
        versions = {}
        for _ in range(options.rounds):
            for python in (sys.executable, options.theirs):
                is_ours, version, found = run(python, directory, options.only)
                if is_ours != (python == sys.executable):
                    sys.exit(f"{python} has smmap {version}, which is the wrong one")
                versions[is_ours] = version
                results[is_ours].append(found)
    rows = []
    for name in results[True][0]:
        ours, theirs = (statistics.median(found[name] for found in results[which])
                        for which in (True, False))
        rows.append((name, theirs, ours, theirs / ours))
    if options.json:
        print(json.dumps(rows))
        return 0
    print(f"{'CPU ns per call, median of ' + str(options.rounds):42} {versions[False]:>10} "
          f"{'ours':>10} {'ratio':>8}")
    for name, theirs, ours, ratio in rows:
        print(f"{name:42} {theirs:10.0f} {ours:10.0f} {ratio:7.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
