/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fuzzer for the library: the input is a sequence of operations of the model
 * (tests/model/model.h), eight bytes each. What the model did not expect, and what the
 * sanitizers do not like, ends the program.
 *
 * An input that fails can be made readable: tests/model/model --replay FILE.
 */
#include "tests/model/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (!model_begin()) {
        exit(2);
    }
    atexit(model_end);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!model_run(data, size, 0)) {
        fprintf(stderr, "the model: %s\n", model_complaint());
        model_disk_end();
        abort();
    }
    return 0;
}
