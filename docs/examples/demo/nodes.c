#include "nodes.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

static void run_node(char *const argv[], int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* even if the demo is killed, no node stays behind */
  dup2(out, STDOUT_FILENO);
  execv(argv[0], argv);
  perror(argv[0]);
  _exit(127);
}

/* Waits for the line "listening on URL". */
static int read_url(struct node *node) {
  char line[256];
  return node->out != NULL && fgets(line, sizeof line, node->out) != NULL &&
                 sscanf(line, "listening on %63s", node->url) == 1 &&
                 strrchr(node->url, ':') != NULL
             ? 0
             : -1;
}

int node_start(struct node *node, char *const argv[]) {
  int out[2];

  if (pipe2(out, O_CLOEXEC) < 0) return -1;
  node->pid = fork();
  if (node->pid == 0) run_node(argv, out[1]);
  close(out[1]);
  node->out = fdopen(out[0], "r");
  if (node->pid < 0 || read_url(node) < 0) {
    fprintf(stderr, "demo: %s did not start: no line \"listening on URL\"\n", argv[0]);
    return -1;
  }
  node->port = atoi(strrchr(node->url, ':') + 1);
  return 0;
}

static int tell_peers(struct node nodes[N_NODES]) {
  struct request *r = calloc(N_NODES, sizeof *r);
  char list[N_NODES * 65];
  int all = r != NULL;

  snprintf(list, sizeof list, "%s\n%s\n%s\n", nodes[0].url, nodes[1].url, nodes[2].url);
  for (int i = 0; r != NULL && i < N_NODES; i++)
    r[i] = (struct request){
        .port = nodes[i].port, .method = "PUT", .target = "/peers", .body = list};
  if (r != NULL) client_run(r, N_NODES, 1, 5000);
  for (int i = 0; r != NULL && i < N_NODES; i++) {
    if (r[i].status != 200) fprintf(stderr, "demo: PUT /peers: %d %s\n", r[i].status, r[i].text);
    all = all && r[i].status == 200;
  }
  if (r != NULL) client_free(r, N_NODES);
  return all ? 0 : -1;
}

int nodes_start(struct node nodes[N_NODES], char *program, const char *sqlite_file) {
  char source[512], listen[] = "--listen", address[] = "127.0.0.1:0", from[] = "--source";
  char *argv[] = {program, listen, address, from, source, NULL};

  snprintf(source, sizeof source, "sqlite:%s", sqlite_file);
  for (int i = 0; i < N_NODES; i++)
    if (node_start(&nodes[i], argv) < 0) return -1;
  return tell_peers(nodes);
}

static void forget(struct node *node) {
  node->pid = 0;
  if (node->out != NULL) fclose(node->out);
  node->out = NULL;
}

void node_kill(struct node *node) {
  if (node->pid <= 0) return;
  kill(node->pid, SIGKILL);
  waitpid(node->pid, NULL, 0);
  forget(node);
}

int node_stop(struct node *node) {
  int status = 0;

  if (node->pid <= 0) return 0;
  kill(node->pid, SIGTERM);
  for (int tenths = 0; tenths < 50; tenths++) {
    if (waitpid(node->pid, &status, WNOHANG) == node->pid) {
      forget(node);
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    usleep(100 * 1000);
  }
  node_kill(node);
  return -1;
}
