// The only program of a guest that tests signed updates of firmware variables: writes each file of /updates, named
// NN.NAME-GUID, to the variable NAME-GUID, says what the firmware answered, and powers off.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VARIABLES "/sys/firmware/efi/efivars"

static void must(int result, const char *what) {
  if (result >= 0) return;
  printf("FAILED %s: %s\n", what, strerror(errno));
  reboot(RB_POWER_OFF);
}

// The kernel guards variables that it doesn't know against being deleted by accident; an owner takes the guard away.
static void unguard(const char *path) {
  int flags = 0;
  int fd = open(path, O_RDONLY);
  if (fd < 0) return;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
    flags &= ~FS_IMMUTABLE_FL;
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
  }
  close(fd);
}

static void update(const char *name) {
  static char data[65536];
  char from[512], to[512];
  snprintf(from, sizeof from, "/updates/%s", name);
  snprintf(to, sizeof to, VARIABLES "/%s", name + 3);
  int in = open(from, O_RDONLY);
  must(in, from);
  ssize_t size = read(in, data, sizeof data);
  close(in);
  unguard(to);
  int out = open(to, O_WRONLY | O_CREAT, 0644);
  must(out, to);
  // One call of write is one call of SetVariable.
  ssize_t written = write(out, data, size);
  printf("UPDATE %s %s\n", name, written == size ? "taken" : strerror(errno));
  close(out);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  must(mount("sys", "/sys", "sysfs", 0, NULL), "sysfs");
  int module = open("/efivarfs.ko", O_RDONLY);
  must(module, "efivarfs.ko");
  must(syscall(SYS_finit_module, module, "", 0), "module");
  must(mount("efivarfs", VARIABLES, "efivarfs", 0, NULL), "efivarfs");
  struct dirent **names;
  int n = scandir("/updates", &names, NULL, alphasort);
  must(n, "updates");
  for (int i = 0; i < n; i++)
    if (names[i]->d_name[0] != '.') update(names[i]->d_name);
  printf("DONE\n");
  reboot(RB_POWER_OFF);
  return 0;
}
