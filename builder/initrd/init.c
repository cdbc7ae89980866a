/*
 * /init of every kubedos node: from the kernel to a read-only root whose every byte the sealed command line names.
 *
 * Trusted: this initrd (part of the UKI, so of PCR 4 and PCR 11), which holds the sealed command line in /cmdline and the
 * shape of the verity tree in /verity. Not trusted: the disk, and /proc/cmdline, to which SMBIOS strings can be appended.
 * There is no shell. Every failure extends PCR 11 with "kubedos-failed", says why in one line, and powers off.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <linux/fs.h>
#include <unistd.h>

#define ROOTHASH_HEX 64
#define WAIT_STEPS 200 /* of 50 ms: a disk that isn't there after 10 s is not coming */

#define READ_AHEAD_SECTORS 2048UL /* 1 MiB */

static char sealed[4096], line[4096];
static char root_hex[ROOTHASH_HEX + 1];
static int tpm = -1; /* open until exec: /dev moves away, and the last word comes after that */

/* TPM 2.0 Part 3, 22.4 TPM2_PCR_Event: the TPM hashes the word itself, for every bank. Empty password authorisation. */
static int extend(const char *word)
{
	uint8_t cmd[96] = { 0x80, 0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x3c, 0, 0, 0, 11,
			    0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0 };
	uint8_t rsp[512]; /* a digest for every bank: 379 bytes with all eight hashes that a bank can have */
	size_t n = strlen(word), size = 27 + 2 + n;

	if (size > sizeof(cmd))
		return -1;
	cmd[5] = (uint8_t)size;
	cmd[28] = (uint8_t)n;
	memcpy(cmd + 29, word, n);
	ssize_t wrote = write(tpm, cmd, size), got = read(tpm, rsp, sizeof(rsp));
	return wrote == (ssize_t)size && got >= 10 && !memcmp(rsp + 6, "\0\0\0\0", 4) ? 0 : -1;
}

static void say(const char *text)
{
	dprintf(STDERR_FILENO, "kubedos-init: %s\n", text); /* the console: the initrd holds its node */
}

static _Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...)
{
	char text[256];
	va_list args;
	int err = errno;
	size_t n;

	va_start(args, format);
	vsnprintf(text, sizeof(text) - 64, format, args);
	va_end(args);
	n = strlen(text);
	if (err)
		snprintf(text + n, sizeof(text) - n, ": %s", strerror(err));
	extend("kubedos-failed");
	say(text);
	sync();
	for (;;) {
		reboot(RB_POWER_OFF);
		pause();
	}
}

static void mount_or_fail(const char *what, const char *where, const char *type, unsigned long flags, const char *data)
{
	mkdir(where, 0755);
	if (mount(what, where, type, flags, data))
		fail("mounting %s", where);
}

/* Reads a small file whole, without the final newline. */
static size_t read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		fail("opening %s", path);
	while (n < size && (got = read(fd, out + n, size - n)) > 0)
		n += (size_t)got;
	close(fd);
	errno = 0;
	if (n == size)
		fail("%s is too long", path);
	if (n && out[n - 1] == '\n')
		n--;
	out[n] = 0;
	return n;
}

static void check_cmdline(void)
{
	static char given[4096];
	const char *hash;
	size_t a = read_text("/cmdline", sealed, sizeof(sealed)), b = read_text("/proc/cmdline", given, sizeof(given));

	if (a != b || memcmp(sealed, given, a))
		fail("the command line is not the sealed one");
	hash = !strncmp(sealed, "roothash=", 9) ? sealed : strstr(sealed, " roothash=");
	if (!hash || strspn(hash = strchr(hash, '=') + 1, "0123456789abcdef") != ROOTHASH_HEX)
		fail("the sealed command line names no root hash");
	memcpy(root_hex, hash, ROOTHASH_HEX);
}

static void load_modules(void)
{
	FILE *list = fopen("/modules/list", "re");

	if (!list)
		fail("opening the list of modules");
	while (fgets(line, sizeof(line), list)) {
		char path[4200];
		int fd;

		line[strcspn(line, "\n")] = 0;
		snprintf(path, sizeof(path), "/modules/%s", line);
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			fail("opening module %s", line);
		if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
			fail("loading module %s", line);
		close(fd);
		unlink(path);
	}
	fclose(list);
}

/* The root hash's half as the 16 bytes of a GPT GUID: UUID text order has its first three fields little-endian on disk. */
static void guid_of(const char *hex, uint8_t out[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (int i = 0; i < 16; i++)
		sscanf(hex + 2 * i, "%2hhx", &out[order[i]]);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Number of the partition with this unique GUID in the disk's GPT (UEFI 2.10, 5.3), or 0. What the disk says is only a hint. */
static unsigned find_partition(int fd, const uint8_t guid[16])
{
	uint8_t header[512], entry[48];
	int sector = 512;

	ioctl(fd, BLKSSZGET, &sector);
	if (pread(fd, header, sizeof(header), sector) != sizeof(header) || memcmp(header, "EFI PART", 8))
		return 0;
	uint64_t at = (le32(header + 72) | (uint64_t)le32(header + 76) << 32) * (uint64_t)sector;
	uint32_t count = le32(header + 80), size = le32(header + 84);
	if (count > 256 || size < 128 || size > 4096 || at > 1 << 20)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (pread(fd, entry, sizeof(entry), (off_t)(at + (uint64_t)i * size)) == sizeof(entry) && !memcmp(entry + 16, guid, 16))
			return i + 1;
	return 0;
}

/* Device of partition `number` of `disk`, as "major:minor". */
static int partition_device(const char *disk, unsigned number, char out[32])
{
	char path[600];
	DIR *dir;
	struct dirent *e;
	int found = 0;

	snprintf(path, sizeof(path), "/sys/block/%s", disk);
	if (!number || !(dir = opendir(path)))
		return 0;
	while (!found && (e = readdir(dir))) {
		char text[16];

		snprintf(path, sizeof(path), "/sys/block/%s/%s/partition", disk, e->d_name);
		if (access(path, R_OK))
			continue;
		read_text(path, text, sizeof(text));
		if (strtoul(text, NULL, 10) != number)
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/%s/dev", disk, e->d_name);
		read_text(path, out, 32);
		found = 1;
	}
	closedir(dir);
	return found;
}

static int find_root(char data[32], char hash[32])
{
	uint8_t data_guid[16], hash_guid[16];
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	int found = 0;

	guid_of(root_hex, data_guid);
	guid_of(root_hex + 32, hash_guid);
	while (dir && !found && (e = readdir(dir))) {
		char path[300];
		int fd;

		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (e->d_name[0] == '.' || (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			continue;
		found = partition_device(e->d_name, find_partition(fd, data_guid), data) &&
			partition_device(e->d_name, find_partition(fd, hash_guid), hash);
		close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

static struct dm_ioctl *dm(int fd, unsigned long what, struct dm_ioctl *io, uint32_t flags)
{
	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = 8192;
	io->data_start = sizeof(*io);
	io->flags = flags;
	strcpy(io->name, "root");
	if (ioctl(fd, what, io))
		fail("setting up dm-verity");
	return io;
}

/* /verity holds "BLOCKS SALT" (4096-byte blocks, hex): sealed, so the superblock on the disk is never read. */
static dev_t open_verity(const char *data, const char *hash)
{
	static union { struct dm_ioctl io; char bytes[8192]; } u;
	struct dm_target_spec *spec = (void *)(u.bytes + sizeof(u.io));
	unsigned long long blocks;
	char shape[600], salt[513];
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), n;

	if (fd < 0)
		fail("opening /dev/mapper/control");
	read_text("/verity", shape, sizeof(shape));
	if (sscanf(shape, "%llu %512[0-9a-f]", &blocks, salt) != 2)
		fail("the sealed verity shape is malformed");
	dm(fd, DM_DEV_CREATE, &u.io, DM_READONLY_FLAG);
	dev_t dev = (dev_t)u.io.dev;
	memset(&u, 0, sizeof(u));
	u.io.target_count = 1;
	spec->length = blocks * 8;
	strcpy(spec->target_type, "verity");
	n = snprintf((char *)(spec + 1), 4096, "1 %s %s 4096 4096 %llu 1 sha256 %s %s 1 panic_on_corruption",
		     data, hash, blocks, root_hex, salt);
	spec->next = (uint32_t)(sizeof(*spec) + (size_t)n + 1);
	dm(fd, DM_TABLE_LOAD, &u.io, DM_READONLY_FLAG);
	memset(&u, 0, sizeof(u));
	dm(fd, DM_DEV_SUSPEND, &u.io, 0); /* without the suspend flag: resume */
	close(fd);
	return dev;
}

/*
 * Programs are large here, and a page fault costs more than the bytes behind it: with the kernel's 128 KiB the agent takes
 * 300 faults to start. Only speed depends on it, so it may fail.
 */
static void read_ahead(const char *node)
{
	int fd = open(node, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ioctl(fd, BLKRASET, READ_AHEAD_SECTORS);
	close(fd);
}

static void mount_root(void)
{
	static const char *const tmpfs[][2] = { { "/sysroot/var", "size=50%,mode=0755" }, { "/sysroot/tmp", "size=25%,mode=1777" },
						{ "/sysroot/root", "size=10%,mode=0700" } };
	static const char *const moved[] = { "proc", "sys", "dev", "run" };
	char data[32], hash[32], node[32];
	int step = 0;
	dev_t dev;

	errno = 0;
	while (!find_root(data, hash)) {
		errno = 0;
		if (++step > WAIT_STEPS)
			fail("no disk holds the partitions that the root hash names");
		usleep(50 * 1000);
	}
	errno = 0;
	dev = open_verity(data, hash);
	snprintf(node, sizeof(node), "/dev/dm-%u", minor(dev));
	read_ahead(node);
	mount_or_fail(node, "/sysroot", "erofs", MS_RDONLY | MS_NODEV, "");
	for (size_t i = 0; i < sizeof(tmpfs) / sizeof(*tmpfs); i++)
		mount_or_fail("tmpfs", tmpfs[i][0], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, tmpfs[i][1]);
	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
		char to[32];

		snprintf(line, sizeof(line), "/%s", moved[i]);
		snprintf(to, sizeof(to), "/sysroot/%s", moved[i]);
		if (mount(line, to, NULL, MS_MOVE, NULL))
			fail("moving %s", line);
	}
}

int main(void)
{
	static char *const argv[] = { "/sbin/init", NULL };
	static char *const env[] = { "PATH=/usr/sbin:/usr/bin", "TERM=linux", NULL };

	mount_or_fail("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	mount_or_fail("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_or_fail("sys", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_or_fail("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "size=20%,mode=0755");
	tpm = open("/dev/tpm0", O_RDWR | O_CLOEXEC);
	if (extend("enter-initrd"))
		fail("no TPM 2.0 took enter-initrd");
	check_cmdline();
	load_modules();
	mount_root();
	unlink("/modules/list");
	unlink("/verity");
	unlink("/cmdline");
	unlink("/init");
	errno = 0;
	if (extend("leave-initrd"))
		fail("the TPM did not take leave-initrd");
	if (chdir("/sysroot") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("changing to the new root");
	execve(argv[0], argv, env);
	fail("starting %s", argv[0]);
}
