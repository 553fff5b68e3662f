#include "members.h"

#include <stdlib.h>
#include <string.h>

static int start_c(struct members *all, int i) {
  char *argv[] = {all->c_program,      strdup("--listen"), strdup("127.0.0.1:0"),
                  strdup("--dialect"), strdup("golang"),   NULL};
  int rc = node_start(&all->m[i], argv);

  for (int a = 1; argv[a] != NULL; a++)
    free(argv[a]);
  return rc;
}

static void list_urls(const struct members *all, unsigned set, char between, char *out) {
  out[0] = 0;
  for (int i = 0; i < N_MEMBERS; i++)
    if (set & 1u << i) sprintf(out + strlen(out), "%s%c", all->m[i].url, between);
  if (out[0] != 0) out[strlen(out) - 1] = 0;
}

static int start_go(struct members *all, int i, const char *address, const char *peers) {
  char *argv[] = {all->go_program,   strdup("--listen"), strdup(address),
                  strdup("--peers"), strdup(peers),      NULL};
  int rc = node_start(&all->m[i], argv);

  for (int a = 1; argv[a] != NULL; a++)
    free(argv[a]);
  return rc;
}

int members_start(struct members *all) {
  if (start_c(all, C0) < 0 || start_c(all, C1) < 0) return -1;
  if (start_go(all, GO0, "127.0.0.1:0", "") < 0 || start_go(all, GO1, "127.0.0.1:0", "") < 0)
    return -1;
  return members_told(all, ALL);
}

int member_restart(struct members *all, int i) {
  char urls[N_MEMBERS * 65], address[64];

  list_urls(all, ALL, ',', urls);
  snprintf(address, sizeof address, "%s", all->m[i].url + strlen("http://"));
  return start_go(all, i, address, urls);
}

void members_end(struct members *all) {
  for (int i = 0; i < N_MEMBERS; i++)
    node_kill(&all->m[i]);
}

int member_told(const struct members *all, int i, unsigned set) {
  char urls[N_MEMBERS * 65];
  struct request r = {.port = all->m[i].port, .method = "PUT", .target = "/peers", .body = urls};

  list_urls(all, set, '\n', urls);
  client_run(&r, 1, 1, 5000);
  if (r.status != 200) printf("PUT /peers to %s: %d %s\n", all->m[i].url, r.status, r.text);
  free(r.text);
  return r.status == 200 ? 0 : -1;
}

int members_told(const struct members *all, unsigned set) {
  for (int i = 0; i < N_MEMBERS; i++)
    if (set & 1u << i && member_told(all, i, set) < 0) return -1;
  return 0;
}

struct request member_request(const struct members *all, int i, const char *route,
                              const struct key *key) {
  struct request r = {.port = all->m[i].port, .method = "GET"};

  snprintf(r.target, sizeof r.target, "%s%s", route, key != NULL ? key->escaped : "");
  return r;
}

struct request *member_ask(const struct members *all, int i, const char *method, const char *route,
                           const struct key *key) {
  struct request *r = calloc(1, sizeof *r);

  if (r == NULL) exit(1);
  *r = member_request(all, i, route, key);
  r->method = method;
  client_run(r, 1, 1, 15000);
  return r;
}

int member_named(const struct members *all, const struct request *r) {
  for (int i = 0; r->text != NULL && i < N_MEMBERS; i++)
    if (strncmp(r->text, all->m[i].url, strlen(all->m[i].url)) == 0) return i;
  return -1;
}

int member_owner(const struct members *all, int i, const struct key *key) {
  struct request *r = member_ask(all, i, "GET", "/owner?group=demo&key=", key);
  int owner = member_named(all, r);

  client_free(r, 1);
  return owner;
}

long long members_loads(const struct members *all) {
  static const char label[] = "\"local_loads\":";
  long long sum = 0;

  for (int i = 0; i < N_MEMBERS; i++) {
    struct request *r = member_ask(all, i, "GET", "/stats", NULL);
    const char *at = r->text == NULL ? NULL : strstr(r->text, label);
    if (at != NULL) sum += atoll(at + strlen(label));
    client_free(r, 1);
  }
  return sum;
}
