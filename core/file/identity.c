/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identity: what tells a file from another.
 *
 * A file is known by device and file id. An id means something only as long as something of
 * ours (a handle, a mapping) keeps it from being given to a new file; after that the time of
 * birth decides, with a generation that is asked for when the handle is closed, or, where that
 * is not known, whether anything has changed. Where the file system has no ids, each opening
 * makes a file of its own.
 *
 * On a stacked file system (overlayfs) a file is copied to a higher layer when somebody writes
 * to it, or changes its mode. Its handles read the copy from then on, but map the original, and
 * its birth is another. It is the same file; its handle is renewed before it is mapped again.
 *
 * Files that the system makes up (/proc, /sys) have a size that is wrong, and times that say
 * nothing. They are read to their end to be measured, and a number of the bytes stands for the
 * time of change.
 */
#include "core/file/file.h"

#include <string.h>

/* What says that it is empty, and goes on for longer than this, is no file to have windows on. */
#define COUNTED_MOST ((apr_off_t)64 * 1024 * 1024)

enum {
    PATH_MOST = 4096, /* a path of the system's that is longer is not known */
    RENEWALS_MOST = 100
};

/* Is all that can be seen of it as it was? */
static int is_unchanged(const smmap__os_facts_t *known, const smmap__os_facts_t *now)
{
    return known->birth == now->birth && known->size == now->size && known->mtime == now->mtime;
}

/* Can another file have the id by now? */
static int is_doubtful(const smmap__os_facts_t *known, int pinned)
{
    return known->id == SMMAP__OS_ID_NONE || (known->id == SMMAP__OS_ID_REUSED && !pinned);
}

int smmap__identity_same_locked(const smmap__file_t *file, const smmap__identity_t *current,
                                apr_int64_t generation)
{
    const smmap__os_facts_t *known = &file->identity.facts;
    const smmap__os_facts_t *now = &current->facts;
    int pinned = smmap__file_pinned(file);
    int numbered = file->generation != 0 && generation != 0;

    if (known->device != now->device || known->inode != now->inode || known->id != now->id ||
        (is_doubtful(known, pinned) && !file->identity.sizeless && !is_unchanged(known, now))) {
        return 0;
    }
    if (pinned && known->stacked) {
        return 1; /* whatever its birth is */
    }
    if (numbered && file->generation != generation) {
        return 0; /* also where no birth is told, as with musl */
    }
    if (known->birth != 0 && now->birth != 0) {
        if (known->birth != now->birth) {
            return 0; /* a server may give an id again even if it is pinned */
        }
        if (numbered) {
            return 1;
        }
    }
    if (pinned || file->identity.sizeless) {
        return 1;
    }
    return known->size == now->size && known->mtime == now->mtime && known->ctime == now->ctime;
}

int smmap__identity_changed(const smmap__identity_t *known, const smmap__identity_t *now)
{
    return known->facts.size != now->facts.size || known->facts.mtime != now->facts.mtime ||
           known->facts.ctime != now->facts.ctime ||
           (known->facts.stacked &&
            (known->facts.birth != now->facts.birth || known->facts.device != now->facts.device ||
             known->facts.inode != now->facts.inode));
}

/* known: what was seen before by this handle; NULL: nothing. */
static apr_status_t examine(apr_os_file_t handle, const smmap__os_facts_t *known,
                            smmap__os_facts_t *facts)
{
    apr_status_t status = smmap__os_examine(facts, handle, known == NULL);

    if (status == APR_SUCCESS && known != NULL) {
        facts->id = known->id;
        facts->stacked = known->stacked;
        facts->invented = known->invented;
        facts->remote = known->remote;
        facts->unmappable = known->unmappable;
        if (!known->stacked) {
            facts->device = known->device;
            facts->inode = known->inode;
            facts->birth = known->birth;
        }
    }
    return status == APR_SUCCESS && facts->kind == SMMAP__OS_OTHER ? SMMAP_ENOTREGULAR : status;
}

/* A number for the bytes of a file, a piece of a multiple of 8 bytes after the other. */
static apr_uint64_t number_of(apr_uint64_t number, const unsigned char *bytes, apr_size_t size)
{
    apr_uint64_t word;
    apr_size_t i;

    for (i = 0; i < size; i += sizeof word) {
        word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        number = (number ^ word) * APR_UINT64_C(0x9E3779B97F4A7C15);
        number ^= number >> 29;
    }
    return number;
}

apr_status_t smmap__content_read(apr_os_file_t handle, smmap__identity_t *identity,
                                 smmap__content_t **kept)
{
    unsigned char piece[4096];
    smmap__content_t *content = NULL;
    smmap__content_t *larger;
    apr_size_t room = 0;
    apr_size_t size = 0;
    apr_size_t nread = sizeof piece;
    apr_uint64_t number = 1;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && nread > 0) {
        status = smmap__os_read(handle, (apr_off_t)size, piece, sizeof piece, &nread);
        if (status == APR_SUCCESS && (apr_off_t)(size + nread) > COUNTED_MOST) {
            status = SMMAP_ENOTREGULAR;
        }
        if (status == APR_SUCCESS && kept != NULL && size + nread > room) {
            room = 2 * (size + sizeof piece);
            larger = smmap__alloc(sizeof *larger + room);
            if (larger != NULL && content != NULL) {
                memcpy(larger + 1, content + 1, size);
            }
            smmap__free(content);
            content = larger;
            status = content != NULL ? APR_SUCCESS : APR_ENOMEM;
        }
        if (status == APR_SUCCESS) {
            number = number_of(number, piece, nread);
            if (content != NULL) {
                memcpy((unsigned char *)(content + 1) + size, piece, nread);
            }
            size += nread;
        }
    }
    if (status != APR_SUCCESS) {
        smmap__free(content);
        return status;
    }
    identity->facts.size = (apr_off_t)size;
    identity->facts.mtime = (apr_int64_t)number;
    identity->facts.ctime = 0;
    if (content != NULL) {
        content->users = 1;
        content->size = size;
    }
    if (kept != NULL) {
        *kept = content;
    }
    return APR_SUCCESS;
}

void smmap__content_unref_locked(smmap__content_t *content)
{
    if (content != NULL && --content->users == 0) {
        smmap__free(content);
    }
}

/* The file was seen like this, and its handle is of then or older: see that a mapping made from
   it shows the file as it is seen. */
static apr_status_t renew(apr_os_file_t handle, smmap__identity_t *identity)
{
    smmap__os_facts_t seen;
    apr_status_t status = APR_SUCCESS;
    int tries = 0;

    /* What was opened between two looks that agree is what was seen. */
    do {
        seen = identity->facts;
        status = tries++ < RENEWALS_MOST ? smmap__os_file_renew(handle) : APR_ENOTIMPL;
        if (APR_STATUS_IS_ENOTIMPL(status)) {
            identity->unmappable = 1; /* reading shows the right bytes */
            return APR_SUCCESS;
        }
        if (status == APR_SUCCESS) {
            status = examine(handle, &seen, &identity->facts);
        }
    } while (status == APR_SUCCESS &&
             (!is_unchanged(&seen, &identity->facts) || seen.ctime != identity->facts.ctime));
    return status;
}

apr_status_t smmap__identify(apr_os_file_t handle, const smmap__os_facts_t *before,
                             smmap__identity_t *identity)
{
    apr_status_t status;

    memset(identity, 0, sizeof *identity);
    status = examine(handle, NULL, &identity->facts);
    identity->unmappable = identity->facts.unmappable != 0;
    if (status == APR_SUCCESS && identity->facts.stacked &&
        (before == NULL || !is_unchanged(before, &identity->facts) ||
         before->ctime != identity->facts.ctime)) {
        status = renew(handle, identity);
    }
    return status;
}

apr_int64_t smmap__identity_generation(const smmap__identity_t *identity, apr_os_file_t handle)
{
    return identity->facts.kind == SMMAP__OS_FILE ? smmap__os_generation(handle)
                                                  : SMMAP__OS_GENERATION_NONE;
}

apr_status_t smmap__identify_callers(apr_os_file_t native, smmap__identity_t *identity)
{
    memset(identity, 0, sizeof *identity);
    return examine(native, NULL, &identity->facts);
}

apr_status_t smmap__identify_again(const smmap__file_t *file, apr_os_file_t handle,
                                   smmap__identity_t *identity, smmap__content_t **content)
{
    const smmap__identity_t *known = &file->identity;
    apr_status_t status;

    *content = NULL;
    *identity = *known;
    status = examine(handle, &known->facts, &identity->facts);
    if (status == APR_SUCCESS && known->sizeless) {
        status = smmap__content_read(handle, identity, content);
    } else if (status == APR_SUCCESS && known->facts.stacked && !known->unmappable &&
               smmap__identity_changed(known, identity)) {
        status = renew(handle, identity);
    }
    return status;
}

apr_status_t smmap__identity_probe(smmap_manager_t *manager, apr_os_file_t handle,
                                   smmap__identity_t *identity)
{
    const apr_off_t size = identity->facts.size;
    smmap__os_facts_t again;
    apr_size_t nread = 0;
    unsigned char byte;
    apr_status_t status;

    if (identity->facts.invented && size == (apr_off_t)manager->page_size) {
        status = smmap__os_read(handle, size - 1, &byte, 1, &nread);
        nread = !nread;
    } else {
        status = smmap__os_peek(handle, &nread);
        nread = size == 0 ? nread : 0;
    }
    if (status != APR_SUCCESS || nread == 0) {
        return status;
    }
    status = examine(handle, &identity->facts, &again);
    if (status == APR_SUCCESS && again.size == size) { /* it has not just grown, or been cut */
        identity->sizeless = 1;
        status = smmap__content_read(handle, identity, NULL);
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
