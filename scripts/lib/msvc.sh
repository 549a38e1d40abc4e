# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Building for the ABI of Microsoft's compiler, with clang-cl and lld-link.
#
# Microsoft's headers and libraries are not there and must not be given on. In their place:
# Wine's headers, import libraries made from what Wine's own DLLs export, and a start-up
# object of a few lines. What this shows is that the code is in the dialect of that compiler
# and that it links and runs with its calling conventions and its C library's entry points;
# it does not show what Microsoft's compiler itself makes of it.
#
# All of it, and APR, CUnit and zlib, is made once and kept outside the tree:
#
#     PREFIX/sysroot/include, lib   what Visual Studio and the SDK would bring
#     PREFIX/include, lib, bin      APR (static and DLL), CUnit and zlib (static)

. "$top/scripts/lib/sources.sh"

# The number that the compiler, the linker and their companions end with: 14 of clang-cl-14.
msvc_llvm()
{
    local version
    version=$(clang -dumpversion 2>/dev/null) || return 1
    echo "${version%%.*}"
}

# msvc_prefix: where it is or will be. What it is made of is in the name, the text of this
# file too.
msvc_prefix()
{
    local apr cunit zlib wine
    apr=$(source_version libapr1-dev) && cunit=$(source_version libcunit1-dev) &&
        zlib=$(source_version zlib1g-dev) && wine=$(source_version libwine-dev) || return 1
    source_cache "msvc-clang-$(clang -dumpversion)-wine-$wine-apr-$apr-cunit-$cunit-zlib-$zlib-$(
        cat "$top/scripts/lib/msvc.sh" "$top/cmake/clang-cl-wine.cmake" | cksum | cut -d ' ' -f 1)"
}

# msvc_libraries PREFIX: build them there, unless they are there.
msvc_libraries()
{
    built_once "$1" "the libraries for clang-cl" msvc_build "$1"
}

msvc_build()
{
    local prefix=$1 dir=$PWD llvm
    llvm=$(msvc_llvm) || return 1
    # The toolchain file reads it.
    export SMMAP_MSVC_PREFIX=$prefix
    fetch_sources apr:libapr1-dev cunit:libcunit1-dev zlib:zlib1g-dev &&
        msvc_headers "$prefix/sysroot/include" &&
        msvc_import_libraries "$prefix/sysroot/lib" &&
        msvc_start_up "$prefix/sysroot/lib" &&
        msvc_build_apr "$prefix" &&
        msvc_build_cunit "$prefix" &&
        msvc_build_zlib "$prefix"
}

# msvc_compile ARGUMENT...: C to objects in this directory.
msvc_compile()
{
    "clang-cl-$llvm" --target=x86_64-pc-windows-msvc -fmsc-version=1938 /nologo /c /O2 \
        /imsvc "$SMMAP_MSVC_PREFIX/sysroot/include" \
        /imsvc /usr/include/wine/wine/msvcrt /imsvc /usr/include/wine/wine/windows "$@"
}

# msvc_headers DIRECTORY: goes before Wine's. Names in the spelling of the SDK, what Wine's
# headers miss or say in another way, and none of what Microsoft does not have.
msvc_headers()
{
    local name
    mkdir -p "$1/sys" && cd "$1" || return 1
    for name in ShellAPI Iphlpapi Windows WinSock2 WS2tcpip Psapi WinIoCtl BaseTsd WinBase \
        AccCtrl AclAPI; do
        echo "#include <$(echo $name | tr '[:upper:]' '[:lower:]').h>" >$name.h
    done
    for name in unistd.h sys/unistd.h dirent.h sys/time.h pthread.h; do
        echo "#error Microsoft's C library has no $name" >$name
    done
    cat >excpt.h <<'HEADER'
#include_next <excpt.h>
#ifndef GetExceptionCode
unsigned long __cdecl _exception_code(void);
void *__cdecl _exception_info(void);
int __cdecl _abnormal_termination(void);
#define GetExceptionCode _exception_code
#define GetExceptionInformation (struct _EXCEPTION_POINTERS *)_exception_info
#define AbnormalTermination _abnormal_termination
#endif
HEADER
    # APR includes it and makes believe that COM's types are known.
    cat >accctrl.h <<'HEADER'
#define COM_NO_WINDOWS_H
#include_next <accctrl.h>
#undef COM_NO_WINDOWS_H
HEADER
    # In Wine's the structure for WSAPoll has no tag.
    cat >winsock2.h <<'HEADER'
#ifndef SMMAP_WINSOCK2
#define SMMAP_WINSOCK2
#define WSAPOLLFD WSAPOLLFD_OF_WINE
#include_next <winsock2.h>
#undef WSAPOLLFD
#ifndef WSAAPI
#define WSAAPI WINAPI
#endif
typedef struct pollfd {
    SOCKET fd;
    SHORT events;
    SHORT revents;
} WSAPOLLFD, *PWSAPOLLFD, *LPWSAPOLLFD;
#endif
HEADER
    cat >ws2tcpip.h <<'HEADER'
#include_next <ws2tcpip.h>
#include <iphlpapi.h>
HEADER
    cat >iphlpapi.h <<'HEADER'
#include_next <iphlpapi.h>
#include <netioapi.h>
#ifndef NETIOAPI_API_
#define NETIOAPI_API_ WINAPI
#endif
#ifndef IF_NAMESIZE
#define IF_NAMESIZE 256
NET_IFINDEX WINAPI if_nametoindex(PCSTR);
#endif
HEADER
    cat >winbase.h <<'HEADER'
#include_next <winbase.h>
#include <intrin.h>
#ifndef InterlockedExchange64
#define InterlockedExchange64 _InterlockedExchange64
#endif
BOOL WINAPI GetProcessHandleCount(HANDLE, PDWORD);
#ifndef LOGON32_PROVIDER_DEFAULT
#define LOGON32_LOGON_INTERACTIVE 2
#define LOGON32_LOGON_NETWORK 3
#define LOGON32_PROVIDER_DEFAULT 0
#endif
HEADER
    # Wine's functions in the place of intrinsics have the names of clang's builtins, which in
    # C++, and one for ARM64, cannot be defined.
    {
        echo '#if defined(_M_ARM64) || defined(__cplusplus)'
        msvc_renamed CompareExchange128
        echo '#endif'
        echo '#if defined(_M_IX86) && defined(__cplusplus)'
        msvc_renamed And64 CompareExchangePointer ExchangeAdd64 ExchangePointer Increment64 \
            Decrement64 Or64 Xor64
        echo '#endif'
        echo '#include_next <winnt.h>'
    } >winnt.h
    cat >signal.h <<'HEADER'
#include_next <signal.h>
typedef int sig_atomic_t;
HEADER
    # The functions of the debugging C library are in no DLL of Wine's.
    cat >crtdbg.h <<'HEADER'
#include_next <crtdbg.h>
#ifndef _CRTDBG_FILE_STDERR
#undef _CrtSetReportFile
#define _CrtSetReportFile(type, file) ((void *)0)
#define _CRTDBG_FILE_STDOUT ((void *)(long long)-4)
#define _CRTDBG_FILE_STDERR ((void *)(long long)-5)
#endif
HEADER
    cd "$dir" || return 1
}

msvc_renamed()
{
    local name
    for name in "$@"; do
        echo "#define _Interlocked$name Interlocked_of_wine_$name"
    done
}

# msvc_import LIBRARY DLL: from the DLL's table of exports, without the names of C++.
msvc_import()
{
    {
        echo "LIBRARY $2"
        echo EXPORTS
        "llvm-readobj-$llvm" --coff-exports "$dlls/$2" | sed -n 's/^  Name: \([^?@][^?@]*\)$/\1/p'
    } >"$1.def" && "llvm-dlltool-$llvm" -m i386:x86-64 -D "$2" -d "$1.def" -l "$out/$1.lib"
}

msvc_import_libraries()
{
    local name out=$1 dlls
    dlls=$(dirname "$(dpkg -L libwine | grep '/x86_64-windows/kernel32\.dll$')") || return 1
    mkdir -p "$out"
    for name in kernel32 kernelbase ntdll user32 gdi32 advapi32 shell32 ws2_32 mswsock rpcrt4 \
        iphlpapi psapi ole32 oleaut32 comdlg32 bcrypt; do
        msvc_import $name $name.dll || return 1
    done
    msvc_import winspool winspool.drv && msvc_import ucrt ucrtbase.dll &&
        msvc_import vcruntime vcruntime140.dll
}

# msvc_start_up DIRECTORY: what runs before main() and DllMain(), in a library under each of
# the names that the compiler asks for (/MD, /MDd, /MT, /MTd).
msvc_start_up()
{
    local name
    mkdir -p start && cd start || return 1
    cat >common.c <<'SOURCE'
#pragma comment(lib, "ucrt.lib")
#pragma comment(lib, "vcruntime.lib")
#pragma comment(lib, "kernel32.lib")
#pragma comment(lib, "ntdll.lib") /* __chkstk */
#pragma comment(linker, "/alternatename:_setjmp=__intrinsic_setjmp")
#pragma comment(linker, "/alternatename:_setjmpex=__intrinsic_setjmpex")

typedef int (*check_t)(void);
typedef void (*call_t)(void);

int _fltused = 0x9875;
unsigned long long __security_cookie = 0x00002B992DDFA232ull;

void __security_check_cookie(unsigned long long cookie)
{
    if (cookie != __security_cookie)
        __debugbreak();
}

int __GSHandlerCheck(void *record, void *frame, void *context, void *dispatcher)
{
    return 1;
}

/* Thread-local variables, and functions to call at the start. The linker sorts sections
   by the letters behind the dollar. */
unsigned long _tls_index;
#pragma section(".tls", long, read, write)
#pragma section(".tls$ZZZ", long, read, write)
#pragma section(".CRT$XLA", long, read)
#pragma section(".CRT$XLZ", long, read)
#pragma section(".CRT$XIA", long, read)
#pragma section(".CRT$XIZ", long, read)
#pragma section(".CRT$XCA", long, read)
#pragma section(".CRT$XCZ", long, read)
__declspec(allocate(".tls")) char _tls_start = 0;
__declspec(allocate(".tls$ZZZ")) char _tls_end = 0;
__declspec(allocate(".CRT$XLA")) void *__xl_a = 0;
__declspec(allocate(".CRT$XLZ")) void *__xl_z = 0;
__declspec(allocate(".CRT$XIA")) check_t __xi_a = 0;
__declspec(allocate(".CRT$XIZ")) check_t __xi_z = 0;
__declspec(allocate(".CRT$XCA")) call_t __xc_a = 0;
__declspec(allocate(".CRT$XCZ")) call_t __xc_z = 0;

struct {
    void *start;
    void *end;
    unsigned long *index;
    void **callbacks;
    unsigned zeroes;
    unsigned flags;
} const _tls_used = {&_tls_start, &_tls_end, &_tls_index, &__xl_a + 1, 0, 0};

int _initterm_e(check_t *, check_t *);
void _initterm(call_t *, call_t *);

void smmap_start(void)
{
    _initterm_e(&__xi_a, &__xi_z);
    _initterm(&__xc_a, &__xc_z);
}
SOURCE
    cat >program.c <<'SOURCE'
int _configure_narrow_argv(int);
int _initialize_narrow_environment(void);
int *__p___argc(void);
char ***__p___argv(void);
char **_get_initial_narrow_environment(void);
void _set_app_type(int);
__declspec(noreturn) void exit(int);
void smmap_start(void);
int main(int, char **, char **);

void mainCRTStartup(void)
{
    _set_app_type(1);
    _configure_narrow_argv(1);
    _initialize_narrow_environment();
    smmap_start();
    exit(main(*__p___argc(), *__p___argv(), _get_initial_narrow_environment()));
}
SOURCE
    cat >dll.c <<'SOURCE'
void smmap_start(void);
int __stdcall DllMain(void *, unsigned long, void *);

int __stdcall _DllMainCRTStartup(void *handle, unsigned long reason, void *reserved)
{
    if (reason == 1)
        smmap_start();
    return DllMain(handle, reason, reserved);
}
SOURCE
    echo 'int __stdcall DllMain(void *h, unsigned long r, void *p) { return 1; }' >dllmain.c
    cat >atexit.c <<'SOURCE'
int _crt_atexit(void (*)(void));

int atexit(void (*function)(void))
{
    return _crt_atexit(function);
}

void *__imp_atexit = atexit;
SOURCE
    echo 'static int none;' >empty.c
    msvc_compile /GS- /Zl -w ./*.c || return 1
    for name in msvcrt msvcrtd libcmt libcmtd; do
        "llvm-lib-$llvm" /nologo "/out:$1/$name.lib" common.obj program.obj dll.obj dllmain.obj \
            atexit.obj || return 1
    done
    for name in oldnames uuid; do
        "llvm-lib-$llvm" /nologo "/out:$1/$name.lib" empty.obj || return 1
    done
    cd "$dir" || return 1
}

# APR by its own CMake files:
# - they run a program of the build to make a table; here one that the compiler of this
#   system made takes its place, so that Wine is not needed;
# - llvm-rc does not join two tokens as Microsoft's rc does.
msvc_build_apr()
{
    sed -i 's/COMMAND \$<TARGET_FILE:gen_test_char>/COMMAND gen_test_char/' apr/CMakeLists.txt &&
        sed -i 's/ ##, /, /; s/##APR_/APR_/' apr/include/apr_version.h &&
        "clang-$llvm" -DWIN32 -o gen_test_char apr/tools/gen_test_char.c &&
        CFLAGS=-w cmake -S apr -B apr-build -G "Unix Makefiles" -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_TOOLCHAIN_FILE="$top/cmake/clang-cl-wine.cmake" \
            -DCMAKE_CROSSCOMPILING_EMULATOR="$PWD/gen_test_char" \
            -DINSTALL_PDB=OFF -DMIN_WINDOWS_VER=0x0A00 \
            "-DCMAKE_C_STANDARD_LIBRARIES=$(printf '%s.lib ' iphlpapi kernel32 user32 shell32 \
                advapi32 ole32)" &&
        make -C apr-build -j "$jobs" apr-1 libapr-1 || return 1
    # Their installation wants more than this library.
    mkdir -p "$1/include" "$1/lib" "$1/bin" &&
        cp apr/include/apr*.h apr-build/apr.h "$1/include/" &&
        cp apr-build/apr-1.lib apr-build/libapr-1.lib "$1/lib/" &&
        cp apr-build/libapr-1.dll "$1/bin/"
}

# CUnit has no build for this; it has eight files. Its console is not used.
msvc_build_cunit()
{
    local root=$dir/cunit version
    test -d "$root/Sources" || root=$root/CUnit
    version=$(cunit_version)
    mkdir cunit-build && cd cunit-build || return 1
    msvc_compile -w "-I$root/Headers" "-DVERSION=\"$version\"" \
        /MD "$root"/Sources/{Automated,Basic,Framework}/*.c &&
        "llvm-lib-$llvm" /nologo "/out:$1/lib/cunit.lib" ./*.obj &&
        mkdir -p "$1/include/CUnit" && cp "$root"/Headers/*.h "$1/include/CUnit/" || return 1
    cd "$dir" || return 1
}

msvc_build_zlib()
{
    mkdir zlib-build && cd zlib-build || return 1
    msvc_compile -w /MD ../zlib/*.c &&
        "llvm-lib-$llvm" /nologo "/out:$1/lib/zlib.lib" ./*.obj &&
        cp ../zlib/zlib.h ../zlib/zconf.h "$1/include/" || return 1
    cd "$dir" || return 1
}
