/* A disk that fails: preloaded into a process, it makes the Nth call on a file below one directory go wrong.
 *
 * Calls are counted by name ("write", "fsync", …, or "any") and only where the file is below the directory, so that the
 * same number means the same call in each walk; "any" is any that leaves a mark, and no "read". Nothing happens before
 * faults_arm() is called. The modes:
 *   once   that call fails with the errno, the next one works again
 *   on     that call and every later one of its name fails
 *   short  that write takes half of its bytes
 *   torn   that write takes half of its bytes, and the one after it fails
 *   kill   the process dies by SIGKILL before that call
 *   dead   the process dies by SIGKILL behind that call
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX], name[32], mode[8];
static long nth, counted;
static int armed, error, trace = -1, tearing;

void faults_arm(const char *root_, const char *name_, long nth_, int error_, const char *mode_, int trace_) {
    snprintf(root, sizeof root, "%s", root_);
    snprintf(name, sizeof name, "%s", name_);
    snprintf(mode, sizeof mode, "%s", mode_);
    nth = nth_, error = error_, trace = trace_, counted = 0, tearing = 0, armed = 1;
}

enum verdict { GO_ON, FAIL, HALF, DIE_AFTER };

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static enum verdict judge(const char *call, const char *path) {
    char line[PATH_MAX + 64];
    enum verdict verdict = GO_ON;
    if (!armed || strncmp(path, root, strlen(root)) != 0) return GO_ON;
    pthread_mutex_lock(&lock);
    if (trace >= 0) {
        int size = snprintf(line, sizeof line, "%s %s\n", call, path + strlen(root));
        syscall(SYS_write, trace, line, (size_t)size);
    }
    if (tearing && strcmp(call, "write") == 0) {
        tearing = 0, verdict = FAIL;
    } else if (strcmp(name, "any") == 0 || strcmp(call, name) == 0) {
        counted++;
        if (counted == nth && strcmp(mode, "kill") == 0) die();
        if (counted == nth && strcmp(mode, "dead") == 0) verdict = DIE_AFTER;
        else if (counted == nth && strcmp(mode, "short") == 0) verdict = HALF;
        else if (counted == nth && strcmp(mode, "torn") == 0) tearing = 1, verdict = HALF;
        else if (counted == nth || (counted > nth && strcmp(mode, "on") == 0)) verdict = FAIL;
    }
    pthread_mutex_unlock(&lock);
    return verdict;
}

static enum verdict judge_fd(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    ssize_t size;
    if (!armed) return GO_ON;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size < 0) return GO_ON;
    path[size] = 0;
    return judge(call, path);
}

#define REAL(type, symbol, ...)                                       \
    static type (*real)(__VA_ARGS__);                                 \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, symbol)

#define PASS(judged, call)                      \
    do {                                        \
        enum verdict verdict = (judged);        \
        if (verdict == FAIL) {                  \
            errno = error;                      \
            return -1;                          \
        }                                       \
        if (verdict == DIE_AFTER) {             \
            (void)!(call);                      \
            die();                              \
        }                                       \
        return (call);                          \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    enum verdict verdict = judge_fd("write", fd);
    if (verdict == FAIL) {
        errno = error;
        return -1;
    }
    if (verdict == HALF && size > 1) size /= 2;
    ssize_t taken = real(fd, data, size);
    if (verdict == DIE_AFTER) die();
    return taken;
}

ssize_t read(int fd, void *data, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    if (!armed || strcmp(name, "read") != 0) return real(fd, data, size);
    PASS(judge_fd("read", fd), real(fd, data, size));
}

ssize_t pread64(int fd, void *data, size_t size, off64_t from) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    if (!armed || strcmp(name, "read") != 0) return real(fd, data, size, from);
    PASS(judge_fd("read", fd), real(fd, data, size, from));
}

ssize_t pread(int fd, void *data, size_t size, off_t from) { return pread64(fd, data, size, from); }

int fsync(int fd) {
    REAL(int, "fsync", int);
    PASS(judge_fd("fsync", fd), real(fd));
}

int flock(int fd, int how) {
    REAL(int, "flock", int, int);
    PASS(judge_fd("flock", fd), real(fd, how));
}

int ftruncate64(int fd, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    PASS(judge_fd("ftruncate", fd), real(fd, size));
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fchmod(int fd, mode_t bits) {
    REAL(int, "fchmod", int, mode_t);
    PASS(judge_fd("chmod", fd), real(fd, bits));
}

int chmod(const char *path, mode_t bits) {
    REAL(int, "chmod", const char *, mode_t);
    PASS(judge("chmod", path), real(path, bits));
}

int mkdir(const char *path, mode_t bits) {
    REAL(int, "mkdir", const char *, mode_t);
    PASS(judge("mkdir", path), real(path, bits));
}

int rename(const char *old, const char *new) {
    REAL(int, "rename", const char *, const char *);
    PASS(judge("rename", old), real(old, new));
}

int link(const char *old, const char *new) {
    REAL(int, "link", const char *, const char *);
    PASS(judge("link", new), real(old, new));
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
    REAL(int, "linkat", int, const char *, int, const char *, int);
    PASS(judge("link", new), real(from, old, to, new, flags));
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    PASS(judge("unlink", path), real(path));
}

int open64(const char *path, int flags, ...) {
    REAL(int, "open64", const char *, int, ...);
    va_list list;
    va_start(list, flags);
    mode_t bits = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    /* Only what makes or writes a file: reads are counted by nobody. */
    PASS(flags & (O_WRONLY | O_RDWR | O_CREAT) ? judge("open", path) : GO_ON, real(path, flags, bits));
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t bits = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open64(path, flags, bits);
}
