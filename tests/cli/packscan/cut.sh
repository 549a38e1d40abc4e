# shellcheck shell=sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# A pack that is cut while packscan reads it, once in each of the maps that it makes: that is
# told, and no damage is found in zeroes that the pack never held. Sourced by packscan.sh.

cut_rounds=0
cut_told=0
most_rounds=12
[ -z "${SMMAP_TEST_LIGHT:-}" ] || most_rounds=4
while [ -r /proc/self/maps ] && [ "$cut_rounds" -lt "$most_rounds" ]; do
    cut_rounds=$((cut_rounds + 1))
    fresh ref
    size=$(wc -c <bad.pack)
    "$packscan" --max-memory 64K bad.pack >out 2>err </dev/null &
    scan=$!
    while [ -e /proc/$scan/maps ] && ! grep -q bad.pack /proc/$scan/maps; do :; done 2>/dev/null
    sleep "0.0$cut_rounds"
    kill -STOP $scan 2>/dev/null
    truncate -s $((size / 3 / 4096 * 4096 + 100)) bad.pack
    kill -CONT $scan 2>/dev/null
    wait $scan
    got=$?
    if [ "$got" -eq 2 ] && grep -q 'bad.pack: the file was cut short' err; then
        cut_told=$((cut_told + 1))
    elif [ "$got" -ne 0 ]; then
        fail "a pack is cut while it is read: exit status $got"
        head -3 err
    fi
    if grep -e 'object at' -e 'does not match' err; then
        fail "a pack is cut while it is read: damage is found in what it never held"
    fi
done
if [ "$cut_rounds" -gt 0 ]; then
    [ "$cut_told" -gt 0 ] && pass || fail "a pack is cut while it is read: nothing is told"
else
    echo "skipped: a pack that is cut because there is no /proc to see when it is mapped"
fi
