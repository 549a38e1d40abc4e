#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Build the Python binding in a directory of its own, and run its tests, for `make check` after
# `./configure --with-python`.
#
# Reads top_srcdir and PYTHON from the environment, as `make check` sets them.
set -eu

: "${top_srcdir:=.}" "${PYTHON:=python3}"
# shellcheck source=../../tests/support/lib.sh source-path=SCRIPTDIR
. "$top_srcdir/tests/support/lib.sh"

make_work python-binding
(cd "$top_srcdir" && tar -cf - sources.mk include core backends bindings) | (cd "$work" && tar -xf -)
cd "$work/bindings/python"
"$PYTHON" setup.py -q build_ext --inplace
PYTHONPATH=. "$PYTHON" -m pytest -p no:cacheprovider -q tests | tee report || true
count()
{
    tail -n 1 report | grep -o "[0-9]* $1" | grep -o '[0-9]*' || echo 0
}
passed=$(count passed)
failed=$(($(count failed) + $(count error)))
skipped=$(count skipped)
finish
