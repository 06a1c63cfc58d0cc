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

#endif
