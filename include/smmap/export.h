/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Symbol visibility, and the spelling of inline functions.
 *
 * This is the only public header that depends on the platform; the others use APR's types.
 */
#ifndef SMMAP_EXPORT_H
#define SMMAP_EXPORT_H

/**
 * SMMAP_API marks a function of the public interface.
 *
 * Define SMMAP_STATIC before including any header when you link the static library on
 * Windows. The library's own build defines SMMAP_BUILDING. libtool builds both kinds of
 * library with one set of flags and defines DLL_EXPORT for objects of the DLL.
 */
#if defined(_WIN32) || defined(__CYGWIN__)
#if defined(SMMAP_STATIC) || (defined(SMMAP_LIBTOOL) && !defined(DLL_EXPORT))
#define SMMAP_API
#elif defined(SMMAP_BUILDING)
#define SMMAP_API __declspec(dllexport)
#else
#define SMMAP_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && __GNUC__ >= 4
#define SMMAP_API __attribute__((visibility("default")))
#else
#define SMMAP_API
#endif

/** SMMAP_INLINE is `static inline`, in a spelling that C90 compilers accept. */
#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define SMMAP_INLINE static inline
#elif defined(__GNUC__)
#define SMMAP_INLINE static __inline__
#elif defined(_MSC_VER)
#define SMMAP_INLINE static __inline
#else
#define SMMAP_INLINE static
#endif

/** A cast and a null pointer in these headers: a program in C++ gets no warning of
    -Wold-style-cast and -Wzero-as-null-pointer-constant. */
#ifdef __cplusplus
#define SMMAP_CAST(type, value) (static_cast<type>(value))
#else
#define SMMAP_CAST(type, value) ((type)(value))
#endif
#if defined(__cplusplus) && __cplusplus >= 201103L
#define SMMAP_NULL nullptr
#else
#define SMMAP_NULL 0
#endif

#endif
