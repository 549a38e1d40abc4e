# SPDX-License-Identifier: BSD-3-Clause
# Run: Python's compiler. Not run: Conan. `conan create packaging/conan` in a clone.

import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class LibsmmapConan(ConanFile):
    name = "libsmmap"
    license = "BSD-3-Clause"
    url = "https://example.org/libsmmap"
    description = "Random access to many and huge files through memory-mapped windows"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]
    languages = "C"

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "../../include/smmap/version.h"))
        self.version = ".".join(
            header.split(f"#define SMMAP_VERSION_{part} ")[1].split()[0]
            for part in ("MAJOR", "MINOR", "PATCH"))

    def export_sources(self):
        top = os.path.join(self.recipe_folder, "../..")
        for pattern in ("CMakeLists.txt", "Makefile.am", "sources.mk", "smmap.pc.in", "*.md",
                        "LICENSE", "cmake/*", "m4/smmap.m4", "include/*", "core/*", "backends/*",
                        "scripts/*", "docs/man/*", "tests/package/exports.txt"):
            copy(self, pattern, top, self.export_sources_folder)

    def requirements(self):
        # The headers include APR's.
        self.requires("apr/[>=1.7 <2]", transitive_headers=True, transitive_libs=True)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for name in ("TESTS", "EXAMPLES", "COMMAND"):
            toolchain.cache_variables[f"SMMAP_{name}"] = False
        toolchain.cache_variables["APR_ROOT"] = self.dependencies["apr"].package_folder
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "smmap")
        self.cpp_info.set_property("cmake_target_name", "smmap::smmap")
        self.cpp_info.set_property("pkg_config_name", "smmap")
        static_msvc = self.settings.os == "Windows" and not self.options.shared
        self.cpp_info.libs = ["smmap_static" if static_msvc and
                              self.settings.compiler == "msvc" else "smmap"]
        if not self.options.shared:
            self.cpp_info.defines = ["SMMAP_STATIC"]
        self.cpp_info.requires = ["apr::apr"]
