#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Make `configure` and what goes with it. Needed once in a fresh clone, and
# never in a release: there `configure` is in the archive.
set -eu

cd "$(dirname "$0")"

missing=
for tool in autoconf automake aclocal m4; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done

# On macOS the GNU program has a g before its name; `libtool` there is another program.
if [ -z "${LIBTOOLIZE:-}" ]; then
    if command -v libtoolize >/dev/null 2>&1; then
        LIBTOOLIZE=libtoolize
    elif command -v glibtoolize >/dev/null 2>&1; then
        LIBTOOLIZE=glibtoolize
    else
        missing="$missing libtoolize"
    fi
fi

if [ -n "$missing" ]; then
    echo "autogen.sh: not found:$missing" >&2
    echo "Install the GNU build tools:" >&2
    echo "  Debian, Ubuntu:  apt-get install autoconf automake libtool" >&2
    echo "  Fedora:          dnf install autoconf automake libtool" >&2
    echo "  macOS, Homebrew: brew install autoconf automake libtool" >&2
    exit 2
fi

export LIBTOOLIZE
mkdir -p build-aux
exec autoreconf --install --force
