#!/bin/sh
# The inputs that are kept for the model: what went wrong once must not do so again.
#
# Reads top_srcdir, and SMMAP_MODEL (the program) from the environment, as `make check` and
# ctest set them.
set -eu

: "${top_srcdir:=.}" "${SMMAP_MODEL:=${top_builddir:-.}/tests/model/model}"

exec "$SMMAP_MODEL" --replay "$top_srcdir"/fuzz/corpus/model/*
