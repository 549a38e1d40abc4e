#include <apr_general.h>
#include <smmap/smmap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    if (argc < 2 || apr_initialize() || apr_pool_create(&pool, NULL) ||
        smmap_manager_create(&manager, NULL, pool) ||
        smmap_cursor_open(&cursor, manager, argv[1], pool) ||
        smmap_cursor_use(cursor, smmap_cursor_file_size(cursor) / 2, 1))
        return 1;
    printf("the byte in the middle is %02x\n", *smmap_cursor_data(cursor));
    apr_terminate(); /* unmaps and closes all */
}
