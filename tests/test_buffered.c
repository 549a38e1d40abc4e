#include "harness.h"
static void nothing(void) { CHECK(1); }
static const test_case_t cases[] = {{"nothing", nothing}, {NULL, NULL}};
const test_module_t test_buffered = {"buffered", cases};
