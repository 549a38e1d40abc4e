#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The inputs that are kept for the model: what went wrong once must not do so again.
#
# Reads top_srcdir, SMMAP_MODEL (the program), and TEST_RUNNER (what runs it, or nothing) from the
# environment, as `make check` and ctest set them.
set -eu

: "${top_srcdir:=.}" "${SMMAP_MODEL:=${top_builddir:-.}/tests/model/model}"

# A list of words.
# shellcheck disable=SC2086
exec ${TEST_RUNNER:-} "$SMMAP_MODEL" --replay "$top_srcdir"/fuzz/corpus/model/*
