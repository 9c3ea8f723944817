/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the sockets come into the world, and who may connect? */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "http_private.h"
#include "str.h"

/* Who comes while a tick runs waits here; clients that do not block are refused beyond it. */
enum { BACKLOG = 512 };

static const char group_name[] = "kvmtuned";

/* ---- the unix socket ---------------------------------------------------------------------- */

static bool somebody_listens(const struct sockaddr_un *address)
{
	KT_AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
			   errno == EAGAIN); /* so many wait already */
}

/* A folder that only root may enter was made by us, without systemd. */
static void let_group_in(const char *run_dir, gid_t group)
{
	struct stat st;

	if (stat(run_dir, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077))
		return;
	if (chown(run_dir, (uid_t)-1, group) < 0 || chmod(run_dir, 0750) < 0)
		log_debug("%s: the group %s cannot be let in: %s", run_dir, group_name,
			  strerror(errno));
}

/* Connecting takes write permission.  systemd's Group= has made it the group's already: then
 * this needs no capability. */
static void let_group_connect(const char *run_dir, const char *path)
{
	const struct group *group = getgrnam(group_name);
	struct stat st;

	if (!group || lstat(path, &st) < 0)
		return;
	if (st.st_gid != group->gr_gid && lchown(path, (uid_t)-1, group->gr_gid) < 0) {
		log_warning("%s: only root may connect, because it cannot be given to the group "
			    "%s (%s); in the unit, Group=%s does it",
			    path, group_name, strerror(errno), group_name);
		return;
	}
	let_group_in(run_dir, group->gr_gid);
	if (chmod(path, 0660) < 0)
		log_debug("%s: %s", path, strerror(errno));
}

/* The mode of a socket that has no name yet is the one that its name gets: nobody but root can
 * connect in between. */
static int bind_path(int fd, const struct sockaddr_un *address)
{
	if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -errno;
	return 0;
}

static int make_listener(struct event_base *base, int *fd, struct evconnlistener **ret)
{
	*ret = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
				  BACKLOG, *fd);
	if (!*ret)
		return errno ? -errno : -ENOMEM;
	(void)KT_TAKE_FD(*fd); /* the listener's now */
	return 0;
}

int listen_local(const char *run_dir, bool is_ours, struct event_base *base,
		 struct local_socket *ret_socket, struct evconnlistener **ret)
{
	KT_AUTOCLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct local_socket s = { 0 };
	struct stat st;
	int r = str_format(s.path, sizeof s.path, "%s/kvmtuned.sock", run_dir);

	_Static_assert(sizeof s.path == sizeof address.sun_path, "a path is an address");
	if (fd < 0)
		return -errno;
	if (r < 0)
		return r;
	memcpy(address.sun_path, s.path, sizeof s.path);
	if (!is_ours && somebody_listens(&address))
		return -EADDRINUSE;
	(void)unlink(s.path); /* bind says what is in its way */
	r = bind_path(fd, &address);
	if (r < 0)
		return r;
	let_group_connect(run_dir, s.path);
	if (lstat(s.path, &st) == 0) {
		s.device = st.st_dev;
		s.inode = st.st_ino;
	}
	r = make_listener(base, &fd, ret);
	if (r < 0)
		(void)unlink(s.path);
	else
		*ret_socket = s;
	return r;
}

void local_socket_remove(const struct local_socket *s)
{
	struct stat st;

	if (s->path[0] && lstat(s->path, &st) == 0 && st.st_dev == s->device &&
	    st.st_ino == s->inode)
		(void)unlink(s->path); /* the next start does it otherwise */
}

bool peer_is_root(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

/* ---- TCP ---------------------------------------------------------------------------------- */

int listen_loopback(const struct sockaddr_storage *address, socklen_t length,
		    struct event_base *base, struct evconnlistener **ret)
{
	KT_AUTOCLOSE int fd =
		socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	/* Else a restart would have to wait for a minute. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(fd, (const struct sockaddr *)address, length) < 0)
		return -errno;
	return make_listener(base, &fd, ret);
}
