# SPDX-License-Identifier: BSD-3-Clause
"""gitdb and GitPython, where they are, read a repository as git does."""
import os
import random
import shutil
import subprocess

import pytest

gitdb = pytest.importorskip("gitdb")
if shutil.which("git") is None:
    pytest.skip("there is no git", allow_module_level=True)


def run_git(directory, *arguments, data=None):
    return subprocess.run(["git", "-C", directory, *arguments], input=data, check=True,
                          capture_output=True).stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Thirty versions of three files, in a pack with deltas."""
    top = str(tmp_path_factory.mktemp("git") / "repository")
    chance = random.Random(4)
    lines = [chance.randbytes(20).hex().encode() for _ in range(200)]
    stream = []
    for number in range(30):
        lines[chance.randrange(200)] = chance.randbytes(20).hex().encode()
        text = b"\n".join(lines)
        stream.append(b"commit refs/heads/master\ncommitter A <a@b> %d +0000\ndata 4\ntextM 644"
                      b" inline file-%d\ndata %d\n%s\n" % (10**9 + number, number % 3, len(text),
                                                           text))
    subprocess.run(["git", "init", "-q", "--bare", "-b", "master", top], check=True)
    run_git(top, "fast-import", "--quiet", data=b"\n".join(stream))
    run_git(top, "repack", "-adqf")
    return top


@pytest.fixture(scope="module")
def objects(repository):
    """Of each object its id, type and bytes, from git itself."""
    found = {}
    listed = run_git(repository, "cat-file", "--batch-all-objects", "--batch-check").split()
    for name, kind in zip(listed[::3], listed[1::3]):
        found[bytes.fromhex(name.decode())] = kind, run_git(repository, "cat-file", kind, name)
    assert len(found) == 90
    return found


def test_gitdb_reads_all_objects_of_a_pack(repository, objects):
    from gitdb.pack import PackEntity
    pack = os.path.join(repository, "objects", "pack")
    name, = (name for name in os.listdir(pack) if name.endswith(".pack"))
    entity = PackEntity(os.path.join(pack, name))
    read = {}
    for info in entity.info_iter():
        stream = entity.stream(info.binsha)
        read[info.binsha] = stream.type, stream.read()
    assert read == objects
    assert all(entity.is_valid_stream(sha, use_crc=True) for sha in read)
    assert len(entity.pack().checksum()) == 20
    assert len(entity.index().offsets()) == 90


def test_gitdb_reads_a_repository(repository, objects):
    database = gitdb.GitDB(os.path.join(repository, "objects"))
    for sha, (kind, data) in objects.items():
        stream = database.stream(sha)
        assert (stream.type, stream.read()) == (kind, data)
    assert set(database.sha_iter()) == set(objects)


def test_loose_objects(repository, tmp_path):
    data = random.Random(6).randbytes(100000)
    top = str(tmp_path / "loose")
    subprocess.run(["git", "init", "-q", "--bare", top], check=True)
    name = run_git(top, "hash-object", "-w", "--stdin", data=data).decode().strip()
    stream = gitdb.LooseObjectDB(os.path.join(top, "objects")).stream(bytes.fromhex(name))
    assert stream.read() == data


def test_gitpython_walks_a_repository(repository, objects):
    git = pytest.importorskip("git")
    with git.Repo(repository, odbt=git.GitDB) as repo:
        commits = list(repo.iter_commits("master"))
        assert len(commits) == 30
        blobs = {blob.binsha: blob.data_stream.read()
                 for commit in commits for blob in commit.tree.traverse()}
    assert blobs == {sha: data for sha, (kind, data) in objects.items() if kind == b"blob"}
