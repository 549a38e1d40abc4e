/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of contenders, in the order of the tables.
 */
#include "bench/contenders/loop.h"

const bench_contender_t *const bench_contenders[] = {
    &bench_raw,    &bench_static,    &bench_sliding,  &bench_hinted,   &bench_list_model,
    &bench_python, &bench_map_unmap, &bench_pread_64, &bench_pread_4k, &bench_pread_1m,
    NULL};
