#include <smmap/smmap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    smmap_manager_t *manager;
    smmap_cursor_t *cursor;
    char reason[400];
    apr_status_t status = smmap_manager_create(&manager, NULL, NULL);
    if (status == APR_SUCCESS)
        status = smmap_cursor_open(&cursor, manager, argc > 1 ? argv[1] : "", NULL);
    if (status == APR_SUCCESS)
        status = smmap_cursor_use(cursor, smmap_cursor_file_size(cursor) / 2, 1);
    if (status != APR_SUCCESS)
        return printf("%s\n", smmap_strerror(status, reason, sizeof reason)), 1;
    printf("the byte in the middle is %02x\n", *smmap_cursor_data(cursor));
    smmap_cursor_close(cursor); /* or pass a pool of APR above, which closes both */
    smmap_manager_destroy(manager);
}
