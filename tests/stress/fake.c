/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fake backend has given out, for the stress programs; it counts all by
 * itself, see fake/backend.h.
 */
#include "stress.h"

#include <string.h>

#include "tests/fake/backend.h"

static apr_size_t maps_before;

void truth_begin(void)
{
    fake_peaks_clear();
    fake_set_birth(1);
    maps_before = fake_calls(FAKE_MAP);
}

stress_truth_t truth_now(void)
{
    fake_peaks_t peaks = fake_peaks();
    stress_truth_t truth = {0, 0, 0, 0, 0, 0, 0, NULL};

    truth.bytes = fake_live_bytes();
    truth.mappings = fake_live_mappings();
    truth.handles = fake_live_handles();
    truth.peak_bytes = peaks.bytes;
    truth.peak_mappings = peaks.mappings;
    truth.peak_handles = peaks.handles;
    truth.maps = fake_calls(FAKE_MAP) - maps_before;
    truth.misuse = fake_misuses() != 0 ? fake_misuse() : NULL;
    return truth;
}

void truth_forgive_late_maps(void)
{
    if (strstr(fake_misuse(), "past the end") != NULL) {
        fake_forgive();
    }
}

int truth_copies(void)
{
    return 1;
}

const char *truth_name(void)
{
    return "fake";
}
