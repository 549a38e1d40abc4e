# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import re
import subprocess
import sys


def test_the_example_runs(tmp_path):
    readme = pathlib.Path(__file__).parent.parent / "README.md"
    program, = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\nthree\n")
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True,
                          text=True)
    assert (done.stdout, done.stderr) == (
        "14 bytes, the first is 111\nthe last lines: [b'two', b'three']\n", "")
