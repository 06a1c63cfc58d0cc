/* What differs between compilers and builds: the only file of the tree that may ask for it. */
#ifndef BASE_COMPAT_H
#define BASE_COMPAT_H

/*
 * True in builds with AddressSanitizer, whose runtime needs system calls and files that the sandbox
 * would refuse. gcc defines a macro, clang answers __has_feature.
 */
#ifdef __SANITIZE_ADDRESS__
#define COMPAT_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMPAT_SANITIZED true
#endif
#endif
#ifndef COMPAT_SANITIZED
#define COMPAT_SANITIZED false
#endif

/*
 * A function marked so is compiled for wider vectors, too, and the dynamic linker chooses by the
 * processor. It is done before a sanitizer's runtime is ready, so not in those builds.
 */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define COMPAT_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define COMPAT_WIDE
#endif

#endif
