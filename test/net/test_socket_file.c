/* A Unix socket's file in a directory to which another process also writes, at every moment of
 * opening. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "net/socket_file.h"

enum { TRIES = 1000 };

struct directory {
  char name[40], socket[64], victim[64], link[64];
  atomic_int over;
};

static void directory_open(struct directory *d) {
  memset(d, 0, sizeof *d);
  snprintf(d->name, sizeof d->name, "/tmp/gcache-socket-XXXXXX");
  assert_non_null(mkdtemp(d->name));
  snprintf(d->socket, sizeof d->socket, "%s/socket", d->name);
  snprintf(d->victim, sizeof d->victim, "%s/victim", d->name);
  snprintf(d->link, sizeof d->link, "%s/link", d->name);
}

static void directory_close(struct directory *d) {
  unlink(d->socket);
  unlink(d->victim);
  unlink(d->link);
  assert_int_equal(rmdir(d->name), 0);
}

/* Puts a link to a file of ours in the place of every socket. */
static void *put_links(void *arg) {
  struct directory *d = arg;
  struct stat found;

  while (!atomic_load(&d->over))
    if (lstat(d->socket, &found) == 0 && S_ISSOCK(found.st_mode) &&
        symlink(d->victim, d->link) == 0)
      rename(d->link, d->socket);
  return NULL;
}

static void a_link_in_the_sockets_place_is_not_followed(void **state) {
  struct directory d;
  struct stat found;
  pthread_t other;

  (void)state;
  directory_open(&d);
  close(open(d.victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  assert_int_equal(pthread_create(&other, NULL, put_links, &d), 0);
  for (int i = 0; i < TRIES; i++) {
    struct gci_socket_file file;
    int fd = gci_socket_file_open(&file, d.socket, 0666);
    if (fd >= 0) close(fd);
    assert_int_equal(lstat(d.victim, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    unlink(d.socket);
  }
  atomic_store(&d.over, 1);
  pthread_join(other, NULL);
  directory_close(&d);
}

/* Also before anything is said of it, whatever the umask. */
static void permissions_are_those_asked_for(void **state) {
  static const mode_t masks[] = {0, 022, 077, 0777}, modes[] = {0600, 0660, 0666, 0777, 0200, 0};
  struct directory d;
  struct stat found;
  mode_t before = umask(0);

  (void)state;
  directory_open(&d);
  for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
    for (size_t j = 0; j < sizeof modes / sizeof *modes; j++) {
      struct gci_socket_file file;
      umask(masks[i]);
      int fd = gci_socket_file_open(&file, d.socket, modes[j]);
      assert_true(fd >= 0);
      assert_int_equal(lstat(d.socket, &found), 0);
      assert_int_equal(found.st_mode & 07777, modes[j]);
      gci_socket_file_remove(&file);
      assert_int_equal(lstat(d.socket, &found), -1);
      close(fd);
    }
  umask(before);
  directory_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(permissions_are_those_asked_for),
      cmocka_unit_test(a_link_in_the_sockets_place_is_not_followed),
  };

  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
