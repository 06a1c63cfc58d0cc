/* libev's header, with the warnings silenced that its macros and aliasing would raise in our code.
 */
#ifndef BASE_EV_H
#define BASE_EV_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-aliasing"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcomment"
#include <ev.h>
#pragma GCC diagnostic pop

#endif
