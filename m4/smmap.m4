dnl SPDX-License-Identifier: BSD-3-Clause
dnl Macros for configure.ac: compiler flags and libraries.
dnl
dnl pkg-config is called directly and not through its pkg.m4, so that autogen.sh works without it.

dnl The warnings of the checks, beyond -Wall -Wextra. Unknown ones are left out.
m4_define([SMMAP_STRICT_WARNINGS], [m4_normalize([
  -Wpedantic
  -Wshadow
  -Wconversion
  -Wstrict-prototypes
  -Wmissing-prototypes
  -Wmissing-declarations
  -Wold-style-definition
  -Wpointer-arith
  -Wcast-qual
  -Wwrite-strings
  -Wundef
  -Wvla
  -Wformat=2
  -Wredundant-decls
  -Wnested-externs
  -Wfloat-equal
  -Wdate-time
  -Wlogical-op
  -Wduplicated-cond
  -Wduplicated-branches
  -Wjump-misses-init
  -Wcomma
  -Wunreachable-code
])])

# SMMAP_REQUIRE_C11
# -----------------
# Newer versions of autoconf enable C11, older ones do not.
AC_DEFUN([SMMAP_REQUIRE_C11],
[AC_LANG_PUSH([C])
smmap_c11_saved_CC=$CC
smmap_c11=no
for smmap_c11_flag in "" -std=gnu11; do
  CC="$smmap_c11_saved_CC $smmap_c11_flag"
  test -n "$smmap_c11_flag" || CC=$smmap_c11_saved_CC
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L
#error not C11
#endif
]], [[_Static_assert(sizeof(char) == 1, "C11");]])], [smmap_c11=yes])
  test $smmap_c11 = yes && break
done
AC_MSG_CHECKING([whether $CC compiles C11])
AC_MSG_RESULT([$smmap_c11])
AS_IF([test $smmap_c11 = no],
  [AC_MSG_ERROR([a C11 compiler is needed; choose one with CC=...])])
AC_LANG_POP([C])])

# SMMAP_CC_FLAGS(VARIABLE, FLAGS)
# -------------------------------
# Append to VARIABLE those FLAGS that the compiler accepts. clang only warns about an unknown
# warning flag, hence -Werror in the test.
AC_DEFUN([SMMAP_CC_FLAGS],
[AC_SUBST([$1])
smmap_flags_saved=$CFLAGS
for smmap_flag in $2; do
  AC_MSG_CHECKING([whether $CC takes $smmap_flag])
  CFLAGS="$smmap_flags_saved $smmap_flag -Werror"
  AC_COMPILE_IFELSE([AC_LANG_SOURCE([[extern int smmap_flag_probe; int smmap_flag_probe;]])],
    [AC_MSG_RESULT([yes])
     $1="${$1:+$$1 }$smmap_flag"],
    [AC_MSG_RESULT([no])])
done
CFLAGS=$smmap_flags_saved])

# SMMAP_TRY_LINK(INCLUDE, CALL, CPPFLAGS, LIBS, IF-YES, IF-NO)
# ------------------------------------------------------------
AC_DEFUN([SMMAP_TRY_LINK],
[smmap_link_CPPFLAGS=$CPPFLAGS
smmap_link_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $3"
LIBS="$4 $LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <$1>]], [[$2]])], [smmap_link=yes], [smmap_link=no])
CPPFLAGS=$smmap_link_CPPFLAGS
LIBS=$smmap_link_LIBS
AS_IF([test $smmap_link = yes], [$5], [$6])])

# SMMAP_FIND_APR(MINIMUM)
# -----------------------
# Sets APR_CFLAGS and APR_LIBS, and for smmap.pc PC_CFLAGS, PC_LIBS and PC_LIBS_PRIVATE.
#
# APR wants all code compiled with -D_GNU_SOURCE, a name of the system and more. A program that only
# includes its headers needs what decides about the size of types or how functions are declared, and
# in strict C one of the definitions that bring PATH_MAX: _DEFAULT_SOURCE changes no function.
AC_DEFUN([SMMAP_FIND_APR],
[AC_ARG_WITH([apr],
  [AS_HELP_STRING([--with-apr=PATH],
    [where APR is installed, or the path of its apr-1-config
     @<:@found by pkg-config or PATH@:>@])],
  [], [with_apr=])
AS_IF([test "x$with_apr" = xyes], [with_apr=])
AS_IF([test "x$with_apr" = xno], [AC_MSG_ERROR([APR is required])])
apr_config=
apr_found=no
AS_IF([test "x$with_apr" != x],
  [AS_IF([test -f "$with_apr" && test -x "$with_apr"], [apr_config=$with_apr],
     [test -x "$with_apr/bin/apr-1-config"], [apr_config=$with_apr/bin/apr-1-config],
     [AC_MSG_ERROR([--with-apr=$with_apr: neither a program nor a directory with bin/apr-1-config])])
   AS_CASE([$apr_config], [[[\\/]]*|?:[[\\/]]*], [],
     [apr_config=`pwd`/$apr_config
      with_apr=`pwd`/$with_apr])],
  [AC_MSG_CHECKING([for APR by pkg-config])
   AS_IF([test -n "$PKG_CONFIG" && $PKG_CONFIG --exists "apr-1 >= $1" 2>/dev/null],
     [apr_found=pkg-config
      apr_version=`$PKG_CONFIG --modversion apr-1`
      APR_CFLAGS=`$PKG_CONFIG --cflags apr-1`
      APR_LIBS=`$PKG_CONFIG --libs apr-1`
      apr_static=`$PKG_CONFIG --static --libs apr-1`
      AC_MSG_RESULT([$apr_version])],
     [AC_MSG_RESULT([no])
      AC_PATH_TOOL([APR_CONFIG], [apr-1-config])
      apr_config=$APR_CONFIG])])
AS_IF([test $apr_found = no && test -n "$apr_config"],
  [AC_MSG_CHECKING([for APR by $apr_config])
   apr_version=`$apr_config --version 2>/dev/null`
   AS_CASE([$apr_version],
     [1.*], [],
     [AC_MSG_RESULT([no])
      AC_MSG_ERROR([$apr_config does not answer like apr-1-config])])
   AS_VERSION_COMPARE([$apr_version], [$1],
     [AC_MSG_RESULT([$apr_version])
      AC_MSG_ERROR([APR $apr_version is too old; $1 or newer is needed])])
   AC_MSG_RESULT([$apr_version])
   apr_found=apr-1-config
   APR_CFLAGS="`$apr_config --cppflags` `$apr_config --includes`"
   APR_LIBS=`$apr_config --link-ld`
   apr_private=`$apr_config --libs`
   apr_static=$apr_private])
AS_IF([test $apr_found = no],
  [SMMAP_NO_APR([APR (Apache Portable Runtime) $1 or newer was not found.])])
AC_MSG_CHECKING([whether a program with APR links])
SMMAP_TRY_LINK([apr_general.h], [apr_initialize();], [$APR_CFLAGS], [$APR_LIBS],
  [AC_MSG_RESULT([yes])],
  [SMMAP_TRY_LINK([apr_general.h], [apr_initialize();], [$APR_CFLAGS], [$APR_LIBS $apr_private],
     [APR_LIBS="$APR_LIBS $apr_private"
      AC_MSG_RESULT([yes, with $apr_private])],
     [AC_MSG_RESULT([no])
      SMMAP_NO_APR([APR was found by $apr_found, but no program links with it: see config.log.])
     ])])
apr_summary="$apr_version (by $apr_found)"
PC_CFLAGS= PC_LIBS=$APR_LIBS PC_LIBS_PRIVATE=$apr_static
for apr_flag in $APR_CFLAGS; do
  AS_CASE([$apr_flag],
    [-D_GNU_SOURCE], [PC_CFLAGS="${PC_CFLAGS:+$PC_CFLAGS }-D_DEFAULT_SOURCE"],
    [-DAPR_*|-D_LARGE*|-D_FILE_OFFSET_BITS=*], [PC_CFLAGS="${PC_CFLAGS:+$PC_CFLAGS }$apr_flag"],
    [-D*], [],
    [PC_CFLAGS="${PC_CFLAGS:+$PC_CFLAGS }$apr_flag"])
done
AC_SUBST([APR_CFLAGS])
AC_SUBST([APR_LIBS])
AC_SUBST([PC_CFLAGS])
AC_SUBST([PC_LIBS])
AC_SUBST([PC_LIBS_PRIVATE])])

AC_DEFUN([SMMAP_NO_APR],
[AC_MSG_ERROR([$1
  Install it:
    Debian, Ubuntu:   apt-get install libapr1-dev
    Fedora:           dnf install apr-devel
    macOS, Homebrew:  brew install apr
  or say where it is: --with-apr=PREFIX, or --with-apr=PATH/apr-1-config])])

# SMMAP_FIND_CUNIT
# ----------------
# Only for `make check'. Sets CUNIT_CFLAGS, CUNIT_LIBS and the condition HAVE_CUNIT.
AC_DEFUN([SMMAP_FIND_CUNIT],
[AC_ARG_WITH([cunit],
  [AS_HELP_STRING([--with-cunit=PREFIX],
    [where CUnit is installed @<:@found by pkg-config or the compiler@:>@])],
  [], [with_cunit=])
AS_IF([test "x$with_cunit" = xyes], [with_cunit=])
AS_CASE([$with_cunit], [""|no], [], [[[\\/]]*|?:[[\\/]]*], [], [with_cunit=`pwd`/$with_cunit])
have_cunit=no
CUNIT_CFLAGS= CUNIT_LIBS=-lcunit
AC_MSG_CHECKING([for CUnit])
AS_CASE([$with_cunit],
  [no], [],
  [""],
    [AS_IF([test -n "$PKG_CONFIG" && $PKG_CONFIG --exists cunit 2>/dev/null],
       [CUNIT_CFLAGS=`$PKG_CONFIG --cflags cunit`
        CUNIT_LIBS=`$PKG_CONFIG --libs cunit`])],
  [CUNIT_CFLAGS="-I$with_cunit/include"
   CUNIT_LIBS="-L$with_cunit/lib -lcunit"])
AS_IF([test "x$with_cunit" != xno],
  [SMMAP_TRY_LINK([CUnit/CUnit.h], [CU_initialize_registry();], [$CUNIT_CFLAGS], [$CUNIT_LIBS],
     [have_cunit=yes])])
AC_MSG_RESULT([$have_cunit])
AS_IF([test $have_cunit = yes], [cunit_summary=found],
  [test "x$with_cunit" = xno], [cunit_summary="left out; make check will not work"],
  [test "x$with_cunit" != x],
    [AC_MSG_ERROR([--with-cunit=$with_cunit: no CUnit there that links (see config.log)])],
  [cunit_summary="not found; make check will not work"])
dnl The tests start threads; older C libraries have them in a separate library.
PTHREAD_LIBS=
AS_IF([test $backend != windows],
  [SMMAP_TRY_LINK([pthread.h], [pthread_create(0, 0, 0, 0);], [], [],
     [], [PTHREAD_LIBS=-lpthread])])
AC_SUBST([PTHREAD_LIBS])
AC_SUBST([CUNIT_CFLAGS])
AC_SUBST([CUNIT_LIBS])
AM_CONDITIONAL([HAVE_CUNIT], [test $have_cunit = yes])])

# SMMAP_FIND_ZLIB
# ---------------
# Only for the example packscan. Sets ZLIB_CFLAGS, ZLIB_LIBS and the condition HAVE_ZLIB.
AC_DEFUN([SMMAP_FIND_ZLIB],
[AC_ARG_WITH([zlib],
  [AS_HELP_STRING([--with-zlib=PREFIX],
    [where zlib is installed, or no @<:@found by the compiler@:>@])],
  [], [with_zlib=])
AS_IF([test "x$with_zlib" = xyes], [with_zlib=])
AS_CASE([$with_zlib], [""|no], [], [[[\\/]]*|?:[[\\/]]*], [], [with_zlib=`pwd`/$with_zlib])
have_zlib=no
ZLIB_CFLAGS= ZLIB_LIBS=-lz
AS_CASE([$with_zlib], [""|no], [],
  [ZLIB_CFLAGS="-I$with_zlib/include"
   ZLIB_LIBS="-L$with_zlib/lib -lz"])
AC_MSG_CHECKING([for zlib])
AS_IF([test "x$with_zlib" != xno],
  [SMMAP_TRY_LINK([zlib.h], [zlibVersion();], [$ZLIB_CFLAGS], [$ZLIB_LIBS], [have_zlib=yes])])
AC_MSG_RESULT([$have_zlib])
AS_IF([test $have_zlib = yes], [zlib_summary=found],
  [test "x$with_zlib" = xno], [zlib_summary="left out; the example packscan is not built"],
  [test "x$with_zlib" != x],
    [AC_MSG_ERROR([--with-zlib=$with_zlib: no zlib there that links (see config.log)])],
  [zlib_summary="not found; the example packscan is not built"])
AC_SUBST([ZLIB_CFLAGS])
AC_SUBST([ZLIB_LIBS])
AM_CONDITIONAL([HAVE_ZLIB], [test $have_zlib = yes])])

# SMMAP_FIND_WRAP
# ---------------
# Only for tests/suite-wrap: can the linker wrap functions of the C library? Sets the condition
# HAVE_WRAP, and WRAP_LIST, the file with the options: with large files in a 32-bit program some
# functions have other names.
AC_DEFUN([SMMAP_FIND_WRAP],
[AS_IF([test "$ac_cv_sizeof_void_p" -ge 8], [WRAP_LIST=wrapped.txt], [WRAP_LIST=wrapped-32.txt])
have_wrap=no
AC_MSG_CHECKING([whether the linker can wrap functions of the C library])
smmap_wrap_LDFLAGS=$LDFLAGS
LDFLAGS="$LDFLAGS -Wl,--wrap=close"
AC_LINK_IFELSE([AC_LANG_SOURCE([[
#include <unistd.h>
#include <features.h>
#if !defined(__linux__) || !defined(__GLIBC__)
#error only there
#endif
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) { return __real_close(fd + 1); }
int main(void) { return close(0); }]])], [have_wrap=yes])
LDFLAGS=$smmap_wrap_LDFLAGS
AC_MSG_RESULT([$have_wrap])
AC_SUBST([WRAP_LIST])
AM_CONDITIONAL([HAVE_WRAP], [test $have_wrap = yes && test $backend = posix])])

# SMMAP_PACKAGE_FILES
# -------------------
# What cmake/smmap-config.cmake.in asks for: directories below the prefix as seen from that file,
# wherever it is moved to, and others as they are. The names of the libraries come from libsmmap.la.
AC_DEFUN([SMMAP_PACKAGE_FILES],
[smmap_root=$prefix
test "x$smmap_root" != xNONE || smmap_root=$ac_default_prefix
smmap_exec=$exec_prefix
test "x$smmap_exec" != xNONE || smmap_exec=$smmap_root
for smmap_name in LIBDIR INCLUDEDIR BINDIR; do
  AS_CASE([$smmap_name], [LIBDIR], [smmap_place=$libdir], [BINDIR], [smmap_place=$bindir],
    [smmap_place=$includedir])
  smmap_place=`prefix=$smmap_root; exec_prefix=$smmap_exec; eval "echo \"$smmap_place\""`
  smmap_below=no
  AS_CASE([$smmap_place], ["$smmap_root"/*],
    [smmap_below=yes
     smmap_place='${_smmap_prefix}'`AS_ECHO(["$smmap_place"]) | $SED "s|^$smmap_root||"`])
  AS_CASE([$smmap_name], [BINDIR], [SMMAP_BINDIR=$smmap_place],
    [INCLUDEDIR], [SMMAP_INCLUDEDIR=$smmap_place],
    [SMMAP_LIBDIR=$smmap_place
     SMMAP_PREFIX=$smmap_root
     AS_IF([test $smmap_below = yes],
       [SMMAP_PREFIX=`AS_ECHO(["$smmap_place/cmake/smmap"]) |
          $SED 's|^[[^/]]*/||; s|[[^/]][[^/]]*|..|g'`
        SMMAP_PREFIX='${_smmap_here}'/$SMMAP_PREFIX])])
done
AC_SUBST([SMMAP_PREFIX])
AC_SUBST([SMMAP_LIBDIR])
AC_SUBST([SMMAP_INCLUDEDIR])
AC_SUBST([SMMAP_BINDIR])
AC_SUBST([SMMAP_SONAME_PREFIX], [])
AC_SUBST([SMMAP_POINTER_SIZE], [$ac_cv_sizeof_void_p])
AC_CONFIG_FILES([smmap-config.cmake.in:cmake/smmap-config.cmake.in])
AC_CONFIG_FILES([smmap-config-version.cmake:cmake/smmap-config-version.cmake.in])])
