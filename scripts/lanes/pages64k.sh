# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
. "$top/scripts/lib/cross.sh"
lane_about="pages of 64 KiB, by qemu-user: nothing takes a page for 4096 bytes"
lane_things="$cross_things aarch64"

lane_run()
{
    cross_pages 65536
}
