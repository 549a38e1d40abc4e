/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Windows: what tells one file from another, and the name of an open file. No state.
 *
 * The serial number of a volume and the 64-bit id of a file are not always
 * unique: a copy of a volume has the serial number of the original, a redirector may report 0 for
 * every volume, and a file system without ids reports 0 or all ones (MS-FSCC 2.1.9). So the name
 * that the system has for the volume is mixed into the serial number, the 128-bit id is used
 * where there is one, and a missing id is reported as such.
 *
 * The name that the system has for an open file contains no links, short forms (8.3) or drives
 * that stand for directories (subst), whatever path the file was opened by.
 */
#include "backends/windows/internal.h"

#include <string.h>

/* From Windows 8 on; not in the headers for older ones. */
#define FILE_ID_INFO_CLASS ((FILE_INFO_BY_HANDLE_CLASS)18)

/* 100 ns from 1601 to 1970. */
#define UNIX_EPOCH APR_INT64_C(116444736000000000)

#ifndef FILE_SUPPORTS_OPEN_BY_FILE_ID
#define FILE_SUPPORTS_OPEN_BY_FILE_ID 0x01000000
#endif

typedef struct file_id_t {
    ULONGLONG volume;
    ULONGLONG low;
    ULONGLONG high;
} file_id_t;

/* The name with that of the device, as in \Device\HarddiskVolume2\dir\file: a volume may have no
   letter, and no two have the same device name. Where the system has only a name with a letter,
   that one. Returns its length; 0: there is no name. */
static DWORD final_name(WCHAR *name, HANDLE file)
{
    DWORD length = GetFinalPathNameByHandleW(file, name, SMMAP__WINDOWS_PATH_MAX, VOLUME_NAME_NT);

    if (length == 0 || length >= SMMAP__WINDOWS_PATH_MAX) {
        length = GetFinalPathNameByHandleW(file, name, SMMAP__WINDOWS_PATH_MAX, VOLUME_NAME_DOS);
    }
    return length < SMMAP__WINDOWS_PATH_MAX ? length : 0;
}

static WCHAR lower(WCHAR letter)
{
    return letter >= L'A' && letter <= L'Z' ? (WCHAR)(letter - L'A' + L'a') : letter;
}

static int ends_with(const WCHAR *word, size_t length, const WCHAR *end)
{
    size_t end_length = wcslen(end);
    size_t i;

    if (length < end_length) {
        return 0;
    }
    for (i = 0; i < end_length; i++) {
        if (lower(word[length - end_length + i]) != end[i]) {
            return 0;
        }
    }
    return 1;
}

/* A hash of the part of a name that identifies the volume: \Device\HarddiskVolume2, \\?\C:; for a
   volume of another machine with the server and the share: \Device\Mup\server\share,
   \\?\UNC\server\share. Parts in between that begin with ; name a drive, and are left out. */
static apr_uint32_t volume_hash(const WCHAR *name)
{
    apr_uint32_t hash = 2166136261u; /* FNV-1a */
    unsigned wanted = 2;
    unsigned count = 0;

    while (*name != 0 && count < wanted) {
        size_t length = wcscspn(name, L"\\");
        size_t i;

        if (length > 0 && *name != L';') {
            count++;
            if (count == 2 && (ends_with(name, length, L"mup") || ends_with(name, length, L"unc") ||
                               ends_with(name, length, L"redirector"))) {
                wanted = 4;
            }
            for (i = 0; i <= length; i++) {
                hash = (hash ^ (i < length ? lower(name[i]) : L'\\')) * 16777619u;
            }
        }
        name += length + (name[length] != 0);
    }
    return hash;
}

static int is_valid_id(ULONGLONG low, ULONGLONG high)
{
    return !(low == 0 && high == 0) && !(low == ~(ULONGLONG)0 && (high == 0 || high == low));
}

/* Correct the device and inode where the information does not identify the file. */
static smmap__os_id_t find_id(apr_dev_t *device, apr_uint64_t *inode, HANDLE file,
                              const BY_HANDLE_FILE_INFORMATION *info)
{
    WCHAR name[SMMAP__WINDOWS_PATH_MAX];
    DWORD flags = 0;
    file_id_t id;
    int has_id;

    if (final_name(name, file) == 0) {
        return SMMAP__OS_ID_NONE;
    }
    *device = info->dwVolumeSerialNumber ^ volume_hash(name);
    has_id = GetFileInformationByHandleEx(file, FILE_ID_INFO_CLASS, &id, sizeof id) &&
             is_valid_id(id.low, id.high);
    if (has_id) {
        /* NTFS uses the low 64 bits alone. */
        *inode = id.low ^ (id.high * APR_UINT64_C(0x9E3779B97F4A7C15));
    } else {
        *inode = (apr_uint64_t)info->nFileIndexHigh << 32 | info->nFileIndexLow;
        has_id = is_valid_id(*inode, 0);
    }
    if (!has_id || info->dwVolumeSerialNumber == 0) {
        return SMMAP__OS_ID_NONE;
    }
    /* On a file system that cannot open files by id (FAT), the id is the position of the directory
       entry, which the next file soon gets. */
    return GetVolumeInformationByHandleW(file, NULL, 0, NULL, NULL, &flags, NULL, 0) &&
                   (flags & FILE_SUPPORTS_OPEN_BY_FILE_ID) != 0
               ? SMMAP__OS_ID_UNIQUE
               : SMMAP__OS_ID_REUSED;
}

static apr_int64_t ticks_of(FILETIME time)
{
    return (apr_int64_t)((apr_uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime);
}

apr_status_t smmap__os_examine(smmap__os_facts_t *facts, apr_os_file_t file, int identify)
{
    BY_HANDLE_FILE_INFORMATION info;
    DWORD type = GetFileType(file);

    memset(&info, 0, sizeof info);
    if (type == FILE_TYPE_CHAR || type == FILE_TYPE_PIPE) {
        info.dwFileAttributes = FILE_ATTRIBUTE_DIRECTORY; /* it is no file either */
    } else if (file == NULL || file == INVALID_HANDLE_VALUE) {
        return smmap__windows_status(ERROR_INVALID_HANDLE);
    } else if (!GetFileInformationByHandle(file, &info)) {
        return smmap__windows_status(GetLastError());
    }
    memset(facts, 0, sizeof *facts);
    facts->kind =
        (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? SMMAP__OS_OTHER : SMMAP__OS_FILE;
    facts->size = (apr_off_t)((apr_uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
    facts->mtime = ticks_of(info.ftLastWriteTime);
    facts->ctime = ticks_of(info.ftCreationTime);
    /* A file system without birth times reports 0, and Wine the time of the last change. */
    if (facts->ctime > UNIX_EPOCH && !smmap__windows_is_wine()) {
        facts->birth = facts->ctime;
    }
    facts->device = info.dwVolumeSerialNumber;
    facts->inode = (apr_uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    if (identify && (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        facts->id = find_id(&facts->device, &facts->inode, file, &info);
    }
    return APR_SUCCESS;
}

/* Births come from a clock that is fine enough. */
apr_int64_t smmap__os_generation(apr_os_file_t file)
{
    (void)file;
    return SMMAP__OS_GENERATION_NONE;
}

/* No file system here shows one file of several. */
apr_status_t smmap__os_file_renew(apr_os_file_t file)
{
    (void)file;
    return APR_ENOTIMPL;
}

apr_status_t smmap__os_file_canonical_path(char *path, apr_size_t size, apr_os_file_t file)
{
    WCHAR name[SMMAP__WINDOWS_PATH_MAX];
    DWORD length = final_name(name, file);
    DWORD i;

    if (length == 0) {
        return smmap__windows_status(GetLastError());
    }
    for (i = 0; i < length; i++) {
        name[i] = name[i] == L'\\' ? L'/' : name[i];
    }
    while (length > 0 && name[length - 1] == L'/') {
        name[--length] = 0;
    }
    if (WideCharToMultiByte(CP_UTF8, 0, name, -1, path, (int)size, NULL, NULL) == 0) {
        return APR_ENAMETOOLONG;
    }
    return APR_SUCCESS;
}

/* The canonical path of a file is enough: it has no links. */
apr_status_t smmap__os_real_path(char *real, const char *path)
{
    (void)real;
    (void)path;
    return APR_ENOTIMPL;
}
