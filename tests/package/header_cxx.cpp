/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program in C++98 on the public headers alone. tests/package/headers.sh compiles it with
 * all warnings as errors, links it with the shared library and runs it: the names
 * have C linkage, the initializers and the inline function are C++ too.
 */
#include <smmap/smmap.h>

#include <apr_general.h>

#include <cstdio>
#include <cstring>

namespace {

/* Destroys at the end of the scope, as C++ does it. */
class Pool {
public:
    Pool() : pool_(NULL) { apr_pool_create(&pool_, NULL); }
    ~Pool()
    {
        if (pool_ != NULL)
            apr_pool_destroy(pool_);
    }
    apr_pool_t *get() const { return pool_; }

private:
    Pool(const Pool &);
    Pool &operator=(const Pool &);

    apr_pool_t *pool_;
};

int failures = 0;

void expect(bool holds, const char *what)
{
    if (!holds) {
        std::fprintf(stderr, "not so: %s\n", what);
        failures++;
    }
}

/* Reads this program's own first bytes through a cursor and a buffer. */
void try_file(const char *path)
{
    Pool pool;
    smmap_options_t options = SMMAP_OPTIONS_INIT;
    smmap_manager_t *manager = NULL;
    smmap_cursor_t *cursor = NULL;
    smmap_buffer_t *buffer = NULL;
    unsigned char byte = 0;

    options.mode = SMMAP_MODE_SLIDING;
    expect(smmap_manager_create(&manager, &options, pool.get()) == APR_SUCCESS, "a manager");
    expect(smmap_cursor_open(&cursor, manager, path, pool.get()) == APR_SUCCESS, "a cursor");
    if (cursor == NULL || smmap_cursor_use(cursor, 0, 0) != APR_SUCCESS) {
        expect(false, "the first window");
        return;
    }
    const unsigned char *first = smmap_cursor_at(cursor, 0);
    expect(first != NULL, "the window holds the first byte");
    expect(smmap_buffer_create(&buffer, cursor, 0, SMMAP_TO_END, pool.get()) == APR_SUCCESS,
           "a buffer");
    expect(smmap_buffer_byte(buffer, 0, &byte) == APR_SUCCESS && first != NULL && byte == *first,
           "cursor and buffer read the same byte");
    expect(smmap_buffer_size(buffer) == smmap_cursor_file_size(cursor), "the whole file");
}

} /* namespace */

int main(int, char **argv)
{
    if (apr_initialize() != APR_SUCCESS) {
        std::fprintf(stderr, "APR does not start\n");
        return 1;
    }
    expect(std::strcmp(smmap_version(NULL, NULL, NULL), SMMAP_VERSION_STRING) == 0,
           "the library has the version of the headers");
    try_file(argv[0]);
    apr_terminate();
    return failures == 0 ? 0 : 1;
}
