/*
 * The Windows backend: which file is it, and where?
 *
 * The serial number of a volume and the 64-bit id of a file, which APR takes for what tells a
 * file from all others, do not always: a volume that was copied has the number of the other, a
 * redirector may say 0 for all, and a file system without ids says 0 or all ones (MS-FSCC 2.1.9).
 * So the name that the system itself has for the volume is mixed into the number, the 128-bit id
 * is taken where there is one, and where there is no unique id that is said.
 *
 * A name that the system has for an open file has no links, short forms (8.3) or drives that stand
 * for directories (subst) in it, whatever path it was opened by.
 */
#define _WIN32_WINNT 0x0601

#include "backends/backend.h"

#include <windows.h>

#include <string.h>

#include "backends/windows.h"

/* The longest name, with its end. */
#define LONGEST 32768

/* From Windows 8 on; not in the headers for older ones. */
#define FILE_ID_INFO_CLASS ((FILE_INFO_BY_HANDLE_CLASS)18)

#ifndef FILE_SUPPORTS_OPEN_BY_FILE_ID
#define FILE_SUPPORTS_OPEN_BY_FILE_ID 0x01000000
#endif

typedef struct file_id_t {
    ULONGLONG volume;
    ULONGLONG low;
    ULONGLONG high;
} file_id_t;

/* With the name of the device, as in \Device\HarddiskVolume2\dir\file. A volume may have no
   letter, and two have never the same such name; but there are systems below which a file has a
   letter alone. 0: it has no name. */
static DWORD final_name(WCHAR *name, HANDLE file)
{
    DWORD length = GetFinalPathNameByHandleW(file, name, LONGEST, VOLUME_NAME_NT);

    if (length == 0 || length >= LONGEST) {
        length = GetFinalPathNameByHandleW(file, name, LONGEST, VOLUME_NAME_DOS);
    }
    return length < LONGEST ? length : 0;
}

static WCHAR lower(WCHAR letter)
{
    return letter >= L'A' && letter <= L'Z' ? (WCHAR)(letter - L'A' + L'a') : letter;
}

static int ends_in(const WCHAR *word, size_t length, const WCHAR *end)
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

/* A number of what in a name stands for the volume: \Device\HarddiskVolume2, \\?\C:, and where
   it is one of another machine, its server and share, too: \Device\Mup\server\share,
   \\?\UNC\server\share. What begins with ; is between them sometimes, and names a drive. */
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
            if (count == 2 && (ends_in(name, length, L"mup") || ends_in(name, length, L"unc") ||
                               ends_in(name, length, L"redirector"))) {
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

static int is_id(ULONGLONG low, ULONGLONG high)
{
    return !(low == 0 && high == 0) && !(low == ~(ULONGLONG)0 && (high == 0 || high == low));
}

smmap__os_id_t smmap__os_file_id(apr_dev_t *device, apr_ino_t *inode, apr_os_file_t file)
{
    BY_HANDLE_FILE_INFORMATION info;
    WCHAR name[LONGEST];
    DWORD flags = 0;
    file_id_t id;
    int has_id;

    if (!GetFileInformationByHandle(file, &info) || final_name(name, file) == 0) {
        return SMMAP__OS_ID_NONE;
    }
    *device = info.dwVolumeSerialNumber ^ volume_hash(name);
    has_id = GetFileInformationByHandleEx(file, FILE_ID_INFO_CLASS, &id, sizeof id) &&
             is_id(id.low, id.high);
    if (has_id) {
        /* NTFS has 64 bits, and 0 above them. */
        *inode = id.low ^ (id.high * APR_UINT64_C(0x9E3779B97F4A7C15));
    } else {
        *inode = (apr_uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
        has_id = is_id(*inode, 0);
    }
    if (!has_id || info.dwVolumeSerialNumber == 0) {
        return SMMAP__OS_ID_NONE;
    }
    /* Where a file cannot be opened by it, the id is where the entry of the file is: on FAT. */
    return GetVolumeInformationByHandleW(file, NULL, 0, NULL, NULL, &flags, NULL, 0) &&
                   (flags & FILE_SUPPORTS_OPEN_BY_FILE_ID) != 0
               ? SMMAP__OS_ID_UNIQUE
               : SMMAP__OS_ID_REUSED;
}

apr_status_t smmap__os_file_canonical_path(char *place, apr_size_t size, apr_os_file_t file)
{
    WCHAR name[LONGEST];
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
    if (WideCharToMultiByte(CP_UTF8, 0, name, -1, place, (int)size, NULL, NULL) == 0) {
        return APR_ENAMETOOLONG;
    }
    return APR_SUCCESS;
}
