# SPDX-License-Identifier: BSD-3-Clause
"""The extension module.

In the tree of libsmmap the library's own sources are compiled into it, so that nothing but APR has
to be there. With SMMAP_SYSTEM=1 it is linked with the library that pkg-config finds.
"""
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
USE_SYSTEM = os.environ.get("SMMAP_SYSTEM", "0") not in ("", "0")
SOURCES = ["module", "manager", "cursor", "cursor_methods", "map", "region", "buffer", "error"]


def answer(*command):
    """The words that a program prints, or None."""
    try:
        return shlex.split(subprocess.run(command, check=True, capture_output=True,
                                          text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return None


def flags(package, *scripts):
    """What the compiler and the linker need for a package."""
    pkg_config = os.environ.get("PKG_CONFIG", "pkg-config")
    found = [answer(pkg_config, "--cflags", package), answer(pkg_config, "--libs", package)]
    if None in found and scripts:
        found = [answer(*scripts, "--includes", "--cppflags"),
                 answer(*scripts, "--link-ld", "--libs")]
    if None in found:
        sys.exit(f"{package} was not found: install it, or set PKG_CONFIG_PATH")
    return found


def listed(name):
    """The C files of a list in sources.mk."""
    text = (TOP / "sources.mk").read_text().replace("\\\n", " ")
    words = re.search(rf"^{name} = (.*)$", text, re.MULTILINE)[1].split()
    return [word for word in words if word.endswith(".c")]


def library_version():
    if USE_SYSTEM:
        return " ".join(answer(os.environ.get("PKG_CONFIG", "pkg-config"), "--modversion", "smmap")
                        or sys.exit("smmap was not found: set PKG_CONFIG_PATH"))
    header = TOP / "include/smmap/version.h"
    if not header.exists():
        sys.exit("The sources of libsmmap are not here: build in its tree, or set SMMAP_SYSTEM=1")
    return ".".join(re.findall(r"SMMAP_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header.read_text()))


class Build(build_ext):
    """Compiles the library's sources, too."""

    def build_extension(self, ext):
        self.force = True  # headers are not looked at
        if not USE_SYSTEM:
            ext.extra_objects = self.library_objects(ext)
        super().build_extension(ext)

    def library_objects(self, ext):
        lists = ["SMMAP_CORE_FILES", "SMMAP_MEMORY_FILES", "SMMAP_BACKEND_POSIX_FILES"]
        objects = Path(self.build_temp).resolve()
        objects.mkdir(parents=True, exist_ok=True)
        # What configure writes for its build: what large files need.
        (objects / "config.h").write_text("#ifndef _FILE_OFFSET_BITS\n"
                                          "#define _FILE_OFFSET_BITS 64\n#endif\n")
        here = os.getcwd()
        os.chdir(TOP)  # so that objects are named as their sources
        try:
            return self.compiler.compile(
                [name for each in lists for name in listed(each)], output_dir=str(objects),
                macros=ext.define_macros + [("SMMAP_BUILDING", "1")],
                include_dirs=["include", ".", str(objects)],
                extra_postargs=ext.extra_compile_args)
        finally:
            os.chdir(here)


def extension():
    if USE_SYSTEM:
        compile_flags, link_flags = flags("smmap")
        include = []
    else:
        compile_flags, link_flags = flags("apr-1", "apr-1-config")
        include = ["../../include"]
    compile_flags += ["-std=gnu11", "-fvisibility=hidden", "-pthread"]
    link_flags += ["-pthread"]
    if sys.platform == "linux" and not USE_SYSTEM:
        # Its library is its own, also where the program has another one.
        link_flags += ["-Wl,-Bsymbolic"]
    return Extension("smmap._smmap", [f"src/{name}.c" for name in SOURCES],
                     include_dirs=include, depends=["src/binding.h"],
                     extra_compile_args=compile_flags, extra_link_args=link_flags)


if sys.platform == "win32":
    sys.exit("The Python binding does not know Windows yet")
setup(version=f"5.0.0+libsmmap.{library_version()}", packages=["smmap"],
      package_data={"smmap": ["py.typed", "*.pyi"]},
      ext_modules=[extension()], cmdclass={"build_ext": Build})
