# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
. "$top/scripts/lib/cross.sh"
lane_about="Linux on s390x, by clang and qemu-user: a big-endian processor"
lane_things="$cross_things s390x"

lane_run()
{
    cross_run s390x-linux-gnu qemu-s390x
}
