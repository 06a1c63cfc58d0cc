#include "proxy/figures.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Since Linux 6.2 the size of the directory tells; before, those who may can count. */
static uint64_t open_files(pid_t pid)
{
	char path[64];
	struct stat status;
	uint64_t count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (stat(path, &status) == 0 && status.st_size > 0)
		return (uint64_t)status.st_size;
	DIR *directory = opendir(path);
	if (directory == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

static size_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t len = read(fd, text, size - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

/* proc(5): behind the name in parentheses, utime and stime are fields 14 and 15, rss is 24. */
void figures_read(struct process_figures *figures, pid_t pid)
{
	char path[64], text[1024];
	uint64_t user, kernel, pages;
	*figures = (struct process_figures){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || read_file(path, text, sizeof(text)) == 0)
		return;
	const char *rest = strrchr(text, ')');
	if (rest == NULL || sscanf(rest + 1,
				   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
				   " %" SCNu64 " %*d %*d %*d %*d %*d %*d %*u %*u %" SCNu64,
				   &user, &kernel, &pages) != 3)
		return;
	*figures = (struct process_figures){
		.pid = (uint64_t)pid,
		.cpu_ms = (user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK),
		.memory_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE),
		.files = open_files(pid),
	};
}

void figures_publish(const struct crews *crews)
{
	struct board *board = shared_board(&crews->shared);
	figures_read(&board->master, getpid());
	figures_read(&board->monitor, crews->keeper.current.pid);
	for (const struct crew *crew = crews->first; crew != NULL; crew = crew->next) {
		for (size_t i = 0; i < crew->count; i++)
			figures_read(&shared_record(&crews->shared, crew->records[i])->figures,
				     crew->members[i].pid);
	}
}
