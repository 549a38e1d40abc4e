/*
 * The registry: which files a manager knows, reported apart by what they are.
 *
 * A file is known by device and file id, so that hard links, symbolic links and
 * other spellings of a path share its windows, and a path that was replaced leads
 * to another file. An id means something only as long as something of ours (a
 * handle, a mapping) keeps it from being given to a new file; after that the time
 * of birth decides, or, where that is not known, whether anything has changed. Where the
 * file system has no ids, each opening makes a file of its own, which is not registered.
 *
 * Invariants, under the manager's lock: no two registered files have one id; a
 * file that was found not to be the one of its id any more is forgotten, and lives
 * on for its cursors alone.
 *
 * The hash table is our own, chained through the files themselves, as adding to it
 * must not fail half-way through opening a cursor, and apr_hash ends the process
 * when memory does.
 */
#include "core/core.h"

/* The grid in static mode: one window, as large as a file can be; so shifted every offset is 0. */
#define STATIC_WINDOW SMMAP__OFFSET_MAX
enum { STATIC_SHIFT = 8 * sizeof(apr_off_t) - 1 };

/* How often a path is opened anew that leads to another file each time. */
enum { MOST_TRIES = 100 };

/* Is all that can be seen of it as it was? */
static int is_unchanged(const smmap__identity_t *known, const smmap__identity_t *now)
{
    return known->birth == now->birth && known->size == now->size && known->mtime == now->mtime;
}

/* Can another file have the id by now? */
static int is_doubtful(const smmap__identity_t *known, int pinned)
{
    return known->id == SMMAP__OS_ID_NONE || (known->id == SMMAP__OS_ID_PLACE && !pinned);
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

/* Does anything of ours keep the file's id from being given away? */
static int is_pinned(const smmap__file_t *file)
{
    return file->handle_open || smmap__file_pinned(file);
}

static smmap__file_t **bucket_of(smmap_manager_t *manager, apr_dev_t device, apr_ino_t inode)
{
    apr_uint64_t hash = ((apr_uint64_t)inode ^ ((apr_uint64_t)device << 40)) *
                        APR_UINT64_C(0x9E3779B97F4A7C15); /* Knuth's multiplicative hash */

    return &manager->buckets[(hash >> 32) & (manager->bucket_count - 1)];
}

/* Who has no id of his own is not found. */
static smmap__file_t *lookup(smmap_manager_t *manager, const smmap__identity_t *identity)
{
    smmap__file_t *file = NULL;

    if (identity->id != SMMAP__OS_ID_NONE) {
        file = *bucket_of(manager, identity->device, identity->inode);
    }
    while (file != NULL && (file->identity.device != identity->device ||
                            file->identity.inode != identity->inode)) {
        file = file->hash_next;
    }
    return file;
}

/* Twice as many buckets when there are more files than that. Without memory the
   chains just become longer. */
static void grow_table(smmap_manager_t *manager)
{
    smmap__file_t **old = manager->buckets;
    apr_size_t old_count = manager->bucket_count;
    smmap__file_t **larger;
    apr_size_t i;

    if (manager->stats.files < old_count || old_count > APR_SIZE_MAX / 4 / sizeof *larger) {
        return;
    }
    larger = smmap__alloc(2 * old_count * sizeof *larger);
    if (larger == NULL) {
        return;
    }
    manager->buckets = larger;
    manager->bucket_count = 2 * old_count;
    for (i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            smmap__file_t *file = old[i];
            smmap__file_t **bucket =
                bucket_of(manager, file->identity.device, file->identity.inode);

            old[i] = file->hash_next;
            file->hash_next = *bucket;
            *bucket = file;
        }
    }
    smmap__free(old);
}

static void enter_registry(smmap__file_t *file)
{
    smmap_manager_t *manager = file->manager;
    smmap__file_t **bucket;

    if (file->identity.id != SMMAP__OS_ID_NONE) {
        grow_table(manager);
        bucket = bucket_of(manager, file->identity.device, file->identity.inode);
        file->hash_next = *bucket;
        *bucket = file;
        file->registered = 1;
    }
    file->number = ++manager->last_file;
    file->stripe = manager->next_stripe++ % SMMAP__STRIPES;
    manager->stats.files++;
}

void smmap__file_forget_locked(smmap__file_t *file)
{
    smmap__file_t **link;

    if (!file->registered) {
        return;
    }
    link = bucket_of(file->manager, file->identity.device, file->identity.inode);
    while (*link != file) {
        link = &(*link)->hash_next;
    }
    *link = file->hash_next;
    file->registered = 0;
}

static smmap__file_t *file_make(smmap_manager_t *manager, const smmap__identity_t *identity)
{
    smmap__file_t *file = smmap__alloc(sizeof *file);
    apr_uint64_t windows = 1;

    if (file == NULL) {
        return NULL;
    }
    file->manager = manager;
    file->identity = *identity;
    smmap__offset_store(&file->size, identity->size);
    smmap__count_store(&file->unmappable, identity->sizeless != 0);
    if (manager->window_size == 0) {
        file->window = STATIC_WINDOW;
        file->shift = STATIC_SHIFT;
    } else {
        file->window = (apr_off_t)manager->window_size;
        if ((file->window & (file->window - 1)) == 0) {
            while (((apr_off_t)1 << file->shift) < file->window) {
                file->shift++;
            }
        }
        /* A file that is empty now may grow; one slot would then not do. */
        windows = (apr_uint64_t)(identity->size / file->window) + 2;
    }
    smmap__slots_init(&file->grid, windows);
    smmap__slots_init(&file->spans, windows);
    return file;
}

void smmap__file_free(smmap__file_t *file)
{
    smmap__slots_destroy(&file->grid);
    smmap__slots_destroy(&file->spans);
    smmap__free(file->canonical_path);
    smmap__free(file);
}

void smmap__file_join_locked(smmap__file_t *file, int by_handle)
{
    file->cursors++;
    file->manager->references++;
    file->manager->stats.cursors++;
    if (by_handle) {
        smmap__handle_keep_locked(file, 1);
    }
}

void smmap__file_leave_locked(smmap__file_t *file, int by_handle, smmap__reclaim_t *reclaim)
{
    file->cursors--;
    file->manager->stats.cursors--;
    if (by_handle) {
        smmap__handle_keep_locked(file, 0);
    }
    smmap__file_reap_locked(file, reclaim);
}

/* The file is where this name says, or (NULL) not known to be anywhere. */
static void path_set(smmap__file_t *file, smmap__path_t *path)
{
    if (path != NULL) {
        path->users++;
    }
    if (file->path != NULL && --file->path->users == 0) {
        smmap__free(file->path);
    }
    file->path = path;
}

void smmap__file_reap_locked(smmap__file_t *file, smmap__reclaim_t *reclaim)
{
    if (file->cursors > 0 || file->regions > 0 || file->closing) {
        return;
    }
    smmap__file_forget_locked(file);
    smmap__handle_unlist_locked(file);
    path_set(file, NULL);
    file->reclaim_next = reclaim->files;
    reclaim->files = file;
}

/* Can it be read by this handle, and does it hold what its size says? Files that the
   system makes up (/proc) have the size 0 and bytes all the same; they cannot be
   mapped, and are as long as what can be read. */
static apr_status_t probe(smmap_manager_t *manager, apr_os_file_t handle,
                          smmap__identity_t *identity)
{
    apr_size_t nread;
    apr_status_t status = smmap__os_peek(handle, &nread);

    if (status != APR_SUCCESS || nread == 0 || identity->size > 0) {
        return status;
    }
    status = smmap__handle_identify(manager, handle, 1, identity); /* it may have grown */
    if (status == APR_SUCCESS && identity->size == 0) {
        identity->sizeless = 1;
        status = smmap__handle_count(handle, &identity->size);
    }
    return status;
}

/* Join the file of a handle of the caller's, where it is known and open. While he
   has his handle, its id is nobody else's. *found stays NULL where there is none. */
static apr_status_t join_known(smmap_manager_t *manager, apr_os_file_t native,
                               smmap__file_t **found, apr_off_t *size)
{
    smmap__identity_t identity;
    smmap__file_t *file;
    apr_status_t status = smmap__handle_identify(manager, native, 0, &identity);

    if (status == APR_SUCCESS) {
        identity.id = smmap__os_file_id(&identity.device, &identity.inode, native);
        status = probe(manager, native, &identity);
    }
    smmap__manager_lock(manager);
    if (status != APR_SUCCESS) {
        manager->stats.open_failures++;
    } else {
        file = lookup(manager, &identity);
        if (file != NULL && file->handle_open) {
            smmap__file_join_locked(file, 1);
            *found = file;
            *size = identity.size;
        }
    }
    smmap__manager_unlock(manager);
    return status;
}

/* Open it, and look it up by what was opened: what a path names may be another file a
   moment later, and only opening tells whether we may read it. The handle goes to the
   file, or, if that has one, is closed. */
static apr_status_t join_opened(smmap_manager_t *manager, const smmap__path_t *path,
                                apr_os_file_t native, smmap__file_t **found, apr_off_t *size)
{
    smmap__identity_t identity;
    apr_os_file_t handle;
    smmap__file_t *made = NULL;
    smmap__file_t *file;
    apr_status_t status;
    int installed = 0;

    smmap__manager_lock(manager);
    status = smmap__handle_reserve_relock(manager);
    smmap__manager_unlock(manager);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = smmap__handle_open(manager, path, native, &handle);
    if (status != APR_SUCCESS) {
        smmap__manager_lock(manager);
        smmap__handle_return_locked(manager);
        manager->stats.open_failures++;
        smmap__manager_unlock(manager);
        return status;
    }
    status = smmap__handle_identify(manager, handle, 1, &identity);
    if (status == APR_SUCCESS && identity.size == 0) {
        status = probe(manager, handle, &identity);
    }
    if (status == APR_SUCCESS) {
        made = file_make(manager, &identity);
        status = made != NULL ? APR_SUCCESS : APR_ENOMEM;
    }
    if (status == APR_SUCCESS) {
        made->canonical_path = smmap__canonical_path_of(handle);
    }
    if (status == APR_SUCCESS) {
        smmap__manager_lock(manager);
        file = lookup(manager, &identity);
        if (file != NULL && !smmap__identity_same(&file->identity, &identity, is_pinned(file))) {
            smmap__file_forget_locked(file);
            file = NULL;
        }
        if (file == NULL) {
            file = made;
            made = NULL;
            enter_registry(file);
        }
        if (!file->handle_open) {
            smmap__handle_install_locked(file, handle);
            installed = 1;
        }
        smmap__file_join_locked(file, path == NULL);
        smmap__manager_unlock(manager);
        *found = file;
        *size = identity.size;
    }
    if (!installed) {
        smmap__handle_discard(manager, handle);
    }
    if (made != NULL) {
        smmap__file_free(made);
    }
    return status;
}

/* One attempt of smmap__file_join(). */
static apr_status_t join_once(smmap_manager_t *manager, smmap__path_t *path,
                              apr_os_file_t native, smmap__file_t **found)
{
    smmap__reclaim_t reclaim = {NULL, NULL, APR_SUCCESS, 0};
    smmap__file_t *file = NULL;
    apr_off_t size = 0;
    apr_status_t status = APR_SUCCESS;

    if (path == NULL) {
        status = join_known(manager, native, &file, &size);
    }
    if (status == APR_SUCCESS && file == NULL) {
        status = join_opened(manager, path, native, &file, &size);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (size != smmap__offset_load(&file->size)) {
        /* It grew or shrank since it was measured last. Only a measurement under
           the file's lock is in order with those of others. */
        status = smmap__file_measure(file, path);
    }
    smmap__manager_lock(manager);
    if (status != APR_SUCCESS) {
        smmap__file_leave_locked(file, path == NULL, &reclaim);
        smmap__reclaim_relock(manager, &reclaim);
        smmap__manager_unref_unlock(manager);
        return status;
    }
    if (path != NULL) {
        path_set(file, path); /* not before: when this call fails, its name goes */
    }
    smmap__manager_unlock(manager);
    *found = file;
    return APR_SUCCESS;
}

apr_status_t smmap__file_join(smmap_manager_t *manager, smmap__path_t *path,
                              apr_os_file_t native, smmap__file_t **found)
{
    apr_status_t status;
    int tries = 0;

    /* To be measured a file may have to be opened once more, as others closed its handle.
       That the path leads to another file by then is no error of who opens it now. */
    do {
        status = join_once(manager, path, native, found);
    } while (status == SMMAP_ESTALE && ++tries < MOST_TRIES);
    return status;
}

apr_status_t smmap__file_measure(smmap__file_t *file, const smmap__path_t *path)
{
    apr_os_file_t handle;
    apr_status_t status;

    if (smmap__forked(file->manager)) {
        return SMMAP_EFORKED;
    }
    smmap__file_lock(file);
    status = smmap__handle_enter(file, path, &handle); /* this measures */
    if (status == APR_SUCCESS) {
        smmap__handle_leave(file);
    }
    smmap__file_unlock(file);
    return status;
}
