/* The status page: page.html, as part of the program. */
#ifndef PROXY_MONITOR_PAGE_H
#define PROXY_MONITOR_PAGE_H

extern const char page_html[];
extern const char page_html_end[];

#endif
