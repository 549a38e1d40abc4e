# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
. "$top/scripts/lib/cross.sh"
lane_about="Linux on armhf, by clang and qemu-user: a 32-bit processor, 64-bit offsets and times"
lane_things="$cross_things armhf"

lane_run()
{
    cross_run arm-linux-gnueabihf qemu-arm
}
