/* `postern top`: the screen is the other side's work; here it is put on a terminal. */
#include "proxy/control.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { REFRESH_MS = 1000 };

struct screen {
	struct termios before;
	bool raw; /* and to be undone */
	int signals;
};

static void screen_size(char columns[static 12], char rows[static 12])
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	snprintf(columns, 12, "%u", size.ws_col > 0 ? size.ws_col : 80);
	/* The last line stays free, or the terminal would scroll. */
	snprintf(rows, 12, "%u", size.ws_row > 1 ? size.ws_row - 1U : 23U);
}

/* It can move its cursor and has another screen, as all but those called dumb. */
static bool has_screen(void)
{
	const char *term = getenv("TERM");
	if (term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0)
		return true;
	fprintf(stderr,
		"postern: top needs a terminal that can move its cursor, and TERM is %s%s%s; "
		"`postern status` tells the same once\n",
		term != NULL ? "`" : "", term != NULL ? term : "not set", term != NULL ? "`" : "");
	return false;
}

/* Other screen, no cursor, keys as they are typed. */
static void screen_enter(struct screen *screen)
{
	screen->raw = tcgetattr(STDIN_FILENO, &screen->before) == 0;
	if (screen->raw) {
		struct termios raw = screen->before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	fputs("\033[?1049h\033[?25l", stdout);
}

static void screen_leave(const struct screen *screen)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (screen->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

/* Signals come as what they are: an end, a new size of the screen, or Ctrl-Z. */
static void screen_begin(struct screen *screen)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t mask;
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&mask, taken[i]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	screen->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	screen_enter(screen);
}

static void screen_end(const struct screen *screen)
{
	screen_leave(screen);
	if (screen->signals >= 0)
		close(screen->signals);
}

/* The shell has its terminal as it was until we go on. */
static void screen_suspend(struct screen *screen)
{
	screen_leave(screen);
	raise(SIGSTOP);
	screen_enter(screen);
}

/* False when it is time to go. */
static bool screen_signal(struct screen *screen)
{
	struct signalfd_siginfo info;
	if (read(screen->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGTSTP)
		screen_suspend(screen);
	return info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH;
}

/* From the top left corner on, each line to its end, and nothing below: so it does not flicker. */
static void screen_show(const char *text)
{
	fputs("\033[H", stdout);
	while (*text != '\0') {
		int len = (int)strcspn(text, "\n");
		printf("%.*s\033[K\r\n", len, text);
		text += len + (text[len] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* False when it is time to go. */
static bool screen_wait(struct screen *screen)
{
	struct pollfd polls[] = { { .fd = screen->signals, .events = POLLIN },
				  { .fd = screen->raw ? STDIN_FILENO : -1, .events = POLLIN } };
	char key = 0;
	if (poll(polls, 2, REFRESH_MS) <= 0)
		return true;
	if (polls[0].revents != 0)
		return screen_signal(screen);
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

static bool ask(const struct args *args, struct call *call)
{
	char columns[12], rows[12];
	const char *words[] = { columns, rows };
	screen_size(columns, rows);
	return control_ask(args, call, words, 2);
}

enum exit_status control_top(const struct args *args)
{
	struct screen screen = { .signals = -1 };
	struct call call;
	if (!ask(args, &call))
		return EXIT_FAILED;
	if (!isatty(STDOUT_FILENO) || args->json) {
		fputs(call.body, stdout);
		call_release(&call);
		return EXIT_STOPPED;
	}
	if (!has_screen()) {
		call_release(&call);
		return EXIT_FAILED;
	}
	screen_begin(&screen);
	bool answered = true;
	do {
		screen_show(call.body);
		call_release(&call);
	} while (screen_wait(&screen) && (answered = ask(args, &call)));
	screen_end(&screen);
	/* Why not, once more, where it can be read. */
	if (!answered && ask(args, &call))
		call_release(&call);
	return answered ? EXIT_STOPPED : EXIT_FAILED;
}
