#include "proxy/monitor/page.h"

/* The assembler puts the file in as it is; the Makefile knows that this object depends on it. */
__asm__(".section .rodata\n"
	".global page_html, page_html_end\n"
	"page_html: .incbin \"proxy/monitor/page.html\"\n"
	"page_html_end: .byte 0\n"
	".previous\n");
