#include "proxy/crash.h"
#include "base/compat.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024 };

/* The handler finds the note at the lower end of its stack: there is no global that could tell. */
struct signal_stack {
	struct crash_note *note;
	_Alignas(16) char bytes[STACK_BYTES];
};

static struct crash_note *note_of(const ucontext_t *context)
{
	char *bytes = context->uc_stack.ss_sp;
	struct signal_stack *stack = (void *)(bytes - offsetof(struct signal_stack, bytes));
	return stack->note;
}

static void handle(int number, siginfo_t *info, void *context)
{
	struct crash_note *note = note_of(context);
	void *frames[CRASH_FRAMES];
	int depth = backtrace(frames, CRASH_FRAMES);
	for (int i = 0; i < depth; i++)
		note->frames[i] = (uintptr_t)frames[i];
	note->depth = (uint32_t)depth;
	note->syscall = number == SIGSYS && info->si_code > 0 ? info->si_syscall : -1;
	note->address = info->si_code > 0 ? (uintptr_t)info->si_addr : 0;
	note->signal = number;
	/* It is blocked until we return, and then not handled: SA_RESETHAND. */
	raise(number);
}

static bool make_stack(struct crash_note *note)
{
	struct signal_stack *stack = mmap(NULL, sizeof(*stack), PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		return false;
	stack->note = note;
	stack_t alternate = { .ss_sp = stack->bytes, .ss_size = sizeof(stack->bytes) };
	return sigaltstack(&alternate, NULL) == 0;
}

bool crash_watch(struct crash_note *note)
{
	/* A sanitizer has more to say than we of those that come first. */
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS,
	};
	enum { COUNT = sizeof(signals) / sizeof(signals[0]), ABORT = 5 };
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND),
	};
	/* The first call loads a library, which is not possible later. */
	void *frame[1];
	backtrace(frame, 1);
	if (!make_stack(note))
		return false;
	for (size_t i = COMPAT_SANITIZED ? ABORT : 0; i < COUNT; i++)
		sigaction(signals[i], &action, NULL);
	return true;
}

static int describe_frame(uint64_t address, char *text, size_t size)
{
	Dl_info info;
	if (dladdr((void *)(uintptr_t)address, &info) == 0 || info.dli_fname == NULL)
		return snprintf(text, size, "0x%" PRIx64, address);
	const char *slash = strrchr(info.dli_fname, '/');
	return snprintf(text, size, "%s+0x%" PRIx64, slash ? slash + 1 : info.dli_fname,
			address - (uint64_t)(uintptr_t)info.dli_fbase);
}

void crash_describe(const struct crash_note *note, char *text, size_t size)
{
	size_t depth = note->depth < CRASH_FRAMES ? note->depth : CRASH_FRAMES;
	size_t len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < depth && note->signal != 0 && len + 1 < size; i++) {
		if (i > 0)
			text[len++] = ' ';
		int added = describe_frame(note->frames[i], text + len, size - len);
		len += (size_t)added < size - len ? (size_t)added : size - len - 1;
	}
	text[len] = '\0';
}
