/*
 * Identity: what tells a file from another.
 *
 * A file is known by device and file id. An id means something only as long as something of
 * ours (a handle, a mapping) keeps it from being given to a new file; after that the time of
 * birth decides, or, where that is not known, whether anything has changed. Where the file
 * system has no ids, each opening makes a file of its own.
 */
#include "core/file/file.h"

#include <apr_file_io.h>

#include <string.h>

/* What says that it is empty, and goes on for longer than this, is no file to have windows on. */
#define COUNTED_MOST ((apr_off_t)64 * 1024 * 1024)

/* A path of the system's that is longer is not known. */
enum { PATH_MOST = 4096 };

/* Is all that can be seen of it as it was? */
static int is_unchanged(const smmap__identity_t *known, const smmap__identity_t *now)
{
    return known->birth == now->birth && known->size == now->size && known->mtime == now->mtime;
}

/* Can another file have the id by now? */
static int is_doubtful(const smmap__identity_t *known, int pinned)
{
    return known->id == SMMAP__OS_ID_NONE || (known->id == SMMAP__OS_ID_REUSED && !pinned);
}

int smmap__identity_same(const smmap__identity_t *known, const smmap__identity_t *now, int pinned)
{
    if (known->device != now->device || known->inode != now->inode || known->id != now->id ||
        (is_doubtful(known, pinned) && !is_unchanged(known, now))) {
        return 0;
    }
    if (known->birth != 0 && now->birth != 0) {
        return known->birth == now->birth; /* a server may give an id again all the same */
    }
    if (pinned) {
        return 1;
    }
    return known->size == now->size && known->mtime == now->mtime && known->ctime == now->ctime;
}

apr_status_t smmap__identify(smmap_manager_t *manager, apr_os_file_t handle, int with_birth,
                             smmap__identity_t *identity)
{
    const apr_int32_t wanted =
        APR_FINFO_IDENT | APR_FINFO_SIZE | APR_FINFO_TYPE | APR_FINFO_MTIME | APR_FINFO_CTIME;
    apr_file_t *file;
    apr_finfo_t info;
    apr_pool_t *scratch;
    apr_status_t status = smmap__scratch(manager, &scratch);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_os_file_put(&file, &handle, APR_FOPEN_READ, scratch);
    if (status == APR_SUCCESS) {
        status = apr_file_info_get(&info, wanted, file);
    }
    apr_pool_destroy(scratch); /* leaves the handle open: put does not own it */
    if (status != APR_SUCCESS) {
        return smmap__os_is_stream(handle) ? SMMAP_ENOTREGULAR : status;
    }
    if (info.filetype == APR_BLK && smmap__os_file_size(&info.size, handle) != APR_SUCCESS) {
        return SMMAP_ENOTREGULAR;
    }
    if (info.filetype != APR_REG && info.filetype != APR_BLK) {
        return SMMAP_ENOTREGULAR;
    }
    memset(identity, 0, sizeof *identity);
    identity->device = info.device;
    identity->inode = info.inode;
    identity->size = info.size;
    identity->mtime = info.mtime;
    identity->ctime = info.ctime;
    identity->holes_fill = (info.valid & APR_FINFO_CSIZE) != 0 && info.csize < info.size &&
                           smmap__os_holes_fill(handle);
    if (with_birth) {
        identity->id = smmap__os_file_id(&identity->device, &identity->inode, handle);
    }
    if (with_birth && smmap__os_file_birth(&identity->birth, handle) != APR_SUCCESS) {
        identity->birth = 0;
    }
    return APR_SUCCESS;
}

apr_status_t smmap__count_bytes(apr_os_file_t handle, apr_off_t *size)
{
    unsigned char bytes[4096];
    apr_status_t status;
    apr_size_t nread;

    *size = 0;
    do {
        status = smmap__os_read(handle, *size, bytes, sizeof bytes, &nread);
        *size += (apr_off_t)nread;
        if (status == APR_SUCCESS && *size > COUNTED_MOST) {
            status = SMMAP_ENOTREGULAR;
        }
    } while (status == APR_SUCCESS && nread > 0);
    return status;
}

apr_status_t smmap__identify_known(const smmap__file_t *file, apr_os_file_t handle, int with_birth,
                                   smmap__identity_t *identity)
{
    apr_status_t status = smmap__identify(file->manager, handle, with_birth, identity);

    if (status == APR_SUCCESS && file->identity.sizeless) {
        status = smmap__count_bytes(handle, &identity->size);
    }
    return status;
}

apr_status_t smmap__identity_probe(smmap_manager_t *manager, apr_os_file_t handle,
                                   smmap__identity_t *identity)
{
    apr_size_t nread;
    apr_status_t status = smmap__os_peek(handle, &nread);

    if (status != APR_SUCCESS || nread == 0 || identity->size > 0) {
        return status;
    }
    status = smmap__identify(manager, handle, 1, identity); /* it may have grown */
    if (status == APR_SUCCESS && identity->size == 0) {
        identity->sizeless = 1;
        status = smmap__count_bytes(handle, &identity->size);
    }
    return status;
}

char *smmap__canonical_path_of(apr_os_file_t handle)
{
    char text[PATH_MOST];
    char *path;

    if (smmap__os_file_canonical_path(text, sizeof text, handle) != APR_SUCCESS) {
        return NULL;
    }
    path = smmap__alloc(strlen(text) + 1);
    if (path != NULL) {
        strcpy(path, text);
    }
    return path;
}
