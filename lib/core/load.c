/* core/load - see load.h.
 *
 * The getter is called from the queue, so it may answer at once, close the group or the cache, or
 * ask for the same key. Nothing here touches the load after the getter, the cancel callback or
 * load_work has returned: the answer may have freed it. The answer itself runs no callback
 * (P10). */
#include "core/load.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/memory.h"
#include "core/timing.h"
#include "core/trace.h"

#define NO_PLACE "too many loads run, and no caller waits for this one"

static size_t load_size(gcache_bytes_t key) {
  return sizeof(gcache_load_t) + key.len;
}

/* ------------------------------------------------------------------------------ start, end ---- */

/* This is also the last use of the group. */
static void free_load(gcache_load_t *load) {
  gcache_group_t *group = load->group;
  gcache_value_unref(load->trace);
  gci_mem_free(gci_group_mem(group), load, load_size(load->journey.flight.key));
  gci_group_release(group);
}

static void on_run_ended(struct gcache_job_s *job) {
  gcache_load_t *load = gci_container_of(job, gcache_load_t, job);
  const gcache_hooks_t *hooks = &load->group->core->hooks;
  hooks->load_end(hooks->data, &load->run);
  free_load(load);
}

/* If a hook is to be told the end of the run, the load stays until then. */
static void leave(gcache_load_t *load) {
  gcache_group_t *group = load->group;
  assert(gci_journey_is_empty(&load->journey));
  gci_flights_detach(&group->loads, &load->journey.flight);
  gci_defer_cancel(&load->job);
  gci_gate_leave(&group->gate, &load->pass);
  if (load->started) group->stats.loading--;
  if (!load->started || group->core->hooks.load_end == NULL) {
    free_load(load);
    return;
  }
  load->job.run = on_run_ended;
  gci_env_defer(group->core->env, GCI_COMPLETIONS, &load->job);
}

/* Its callers are answered like those of a failed getter, except for the status. */
static void shed(gcache_load_t *load, const char *text) {
  gcache_group_t *group = load->group;
  gcache_value_t *reason = gci_value_text(gci_group_mem(group), text);
  struct gci_journey_end answer = {.status = GCACHE_EBUSY, .reason = reason};
  group->stats.loads_shed++;
  gci_memory_keep_old(group, &load->journey);
  gci_journey_answer(&load->journey, &answer);
  gcache_value_unref(reason);
  leave(load);
}

static int is_too_late(const gcache_load_t *load) {
  return gci_gate_is_too_late(&load->group->gate, gcache_load_time_left_ms(load));
}

/* Places are free: loads that wait are started from a turn, because this runs inside public calls.
 * The caller holds the group. */
static void admit(gcache_group_t *group) {
  struct gci_pass *pass;
  while ((pass = gci_gate_next(&group->gate)) != NULL) {
    gcache_load_t *load = gci_container_of(pass, gcache_load_t, pass);
    if (!gci_journey_has_callers(&load->journey))
      shed(load, NO_PLACE);
    else if (is_too_late(load))
      shed(load, "too many loads wait: the getter would have ended too late");
    else
      gci_env_defer(group->core->env, GCI_COMPLETIONS, &load->job);
  }
}

static void end(gcache_load_t *load) {
  gcache_group_t *group = load->group;
  gci_gate_leave(&group->gate, &load->pass);
  admit(group);
  leave(load);
}

/* Nonzero: the load has a place. 0: it waits for one, or is gone. */
static int enter(gcache_load_t *load) {
  struct gci_gate *gate = &load->group->gate;
  if (load->pass.state == GCI_PASS_INSIDE || gci_gate_enter(gate, &load->pass)) return 1;
  if (!gci_journey_has_callers(&load->journey))
    shed(load, NO_PLACE);
  else if (!gci_gate_wait(gate, &load->pass))
    shed(load, "too many loads wait");
  return 0;
}

/* The further journey of its callers belongs to the same trace. */
static void strand(gcache_load_t *load) {
  gcache_t *core = load->group->core;
  gcache_value_t *before = gci_trace_enter(core, load->trace);
  gci_journey_strand(&load->journey);
  gci_trace_leave(core, before);
}

/* A change has come while the load waited. Its getter will run after the change, so it becomes a
 * load like any other again; or, if another load has been opened since, its callers wait for that
 * one. Nonzero: they do, and this load is gone. */
static int give_way(gcache_load_t *load) {
  gcache_group_t *group = load->group;
  struct gci_flight *flight = &load->journey.flight;
  if (flight->joinable || (load->pass.state == GCI_PASS_OUTSIDE && !load->waited)) return 0;
  if (gci_load_find(group, flight->key, gci_journey_hash(&load->journey)) == NULL) {
    gci_flights_attach(&group->loads, flight);
    return 0;
  }
  strand(load);
  end(load);
  return 1;
}

/* ----------------------------------------------------------------------------- hand-off ---- */

static void on_handed_over(struct gci_handoff_asker *asker, gcache_value_t *value) {
  gcache_load_t *load = gci_container_of(asker, gcache_load_t, handoff);
  gcache_group_t *group = load->group;
  struct gci_journey_end answer = {.value = value, .from = GCACHE_FROM_PEER};
  if (value == NULL) {
    gci_env_defer(group->core->env, GCI_COMPLETIONS, &load->job);
    return;
  }
  group->stats.handed_over++;
  gci_memory_keep(group, GCI_MAIN, &load->journey.flight, value);
  gci_journey_answer(&load->journey, &answer);
  leave(load);
  gcache_value_unref(value);
}

/* Once per load, and not for a key that has an entry here already, or has been changed since.
 * Nonzero: the load waits for the answer. */
static int ask_before(gcache_load_t *load) {
  const struct gci_flight *flight = &load->journey.flight;
  if (load->asked) return 0;
  load->asked = 1;
  if (load->journey.renews || !flight->joinable) return 0;
  load->waited = gci_handoff_ask(&load->handoff, load->group, flight->key, flight->node.hash,
                                 gci_journey_deadline_ms(&load->journey)) != 0;
  return load->waited;
}

/* -------------------------------------------------------------------------------- start ---- */

static void tell_begin(gcache_load_t *load) {
  gcache_t *core = load->group->core;
  load->run = (gcache_run_t){
      .group = load->group, .number = ++core->runs, .traceparent = gci_trace_words(load->trace)};
  if (core->hooks.load_begin != NULL) core->hooks.load_begin(core->hooks.data, &load->run);
}

static void on_start(struct gcache_job_s *job) {
  gcache_load_t *load = gci_container_of(job, gcache_load_t, job);
  gcache_group_t *group = load->group;
  if (gci_journey_is_empty(&load->journey)) {
    end(load);
    return;
  }
  if (ask_before(load) || give_way(load) || !enter(load)) return;
  load->started = 1;
  load->started_ms = gci_env_mono_ms(group->core->env);
  load->started_ns = gci_env_mono_ns(group->core->env);
  group->stats.loading++;
  tell_begin(load);
  group->getter(load);
}

static void on_nobody_waits(struct gcache_job_s *job) {
  gcache_load_t *load = gci_container_of(job, gcache_load_t, job);
  gcache_load_cancel_cb cancel = load->group->cancel;
  if (load->on_a_thread) cancel = load->group->core->load_work_cancel;
  if (cancel == NULL || !gci_journey_is_empty(&load->journey)) return;
  load->told = 1;
  cancel(load);
}

/* A load that waits for a place makes room for others. */
static void on_deserted(struct gci_journey *journey) {
  gcache_load_t *load = gci_container_of(journey, gcache_load_t, journey);
  if (load->pass.state == GCI_PASS_WAITS || load->handoff.asked != NULL) {
    gci_handoff_leave(&load->handoff);
    leave(load);
    return;
  }
  if (!load->started || load->told || gci_job_queued(&load->job)) return;
  load->job.run = on_nobody_waits;
  gci_env_defer(load->group->core->env, GCI_COMPLETIONS, &load->job);
}

struct gci_journey *gci_load_open(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                                  void (*stranded)(struct gcache_req_s *req, gcache_bytes_t key,
                                                   uint64_t hash)) {
  gcache_load_t *load = gci_mem_zalloc(gci_group_mem(group), load_size(key));
  if (load == NULL) return NULL;
  char *own_key = (char *)(load + 1);
  if (key.len > 0) memcpy(own_key, key.base, key.len);
  load->group = group;
  load->trace = gcache_value_ref(group->core->trace);
  load->journey.deserted = on_deserted;
  load->journey.stranded = stranded;
  gci_flights_open(&group->loads, &load->journey.flight, gcache_bytes(own_key, key.len), hash);
  gci_job_init(&load->job, on_start);
  gci_pass_init(&load->pass);
  load->handoff.answered = on_handed_over;
  gci_group_hold(group);
  group->stats.loads_deduped++;
  gci_env_defer(group->core->env, GCI_COMPLETIONS, &load->job);
  return &load->journey;
}

struct gci_journey *gci_load_find(const gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  struct gci_flight *flight = gci_flights_find(&group->loads, key, hash);
  return flight == NULL ? NULL : gci_container_of(flight, struct gci_journey, flight);
}

int gci_load_is_under_way(struct gci_journey *load) {
  return gci_container_of(load, gcache_load_t, journey)->started;
}

/* ------------------------------------------------------------------------------ answers ---- */

/* The getter has answered about the key. */
static void learn(gcache_load_t *load) {
  uint64_t now_ms = gci_env_mono_ms(load->group->core->env);
  gci_gate_learn(&load->group->gate, now_ms - load->started_ms);
}

/* However it ended. */
static void end_run(gcache_load_t *load, int status) {
  uint64_t now_ns = gci_env_mono_ns(load->group->core->env);
  uint64_t ns = now_ns > load->started_ns ? now_ns - load->started_ns : 0;
  gci_histogram_add(&load->group->stats.getter, ns, 1);
  load->run.status = status;
  load->run.duration_ns = ns;
}

static void fail(gcache_load_t *load, int status, const char *text, uint64_t not_found_ms) {
  gcache_group_t *group = load->group;
  assert(load->started);
  group->stats.local_load_errs++;
  end_run(load, status);
  /* The callers that wait came after the getter was told to give up; only "not found" is about the
   * key. */
  if (load->told && status != GCACHE_ENOTFOUND) {
    gci_flights_detach(&group->loads, &load->journey.flight);
    strand(load);
  }
  gcache_value_t *reason = gci_journey_is_empty(&load->journey) && not_found_ms == 0
                               ? NULL
                               : gci_value_text(gci_group_mem(group), text);
  struct gci_journey_end answer = {.status = status, .reason = reason};
  if (status == GCACHE_ENOTFOUND) {
    learn(load);
    answer.ms = not_found_ms;
    gci_memory_keep_absent(group, GCI_MAIN, &load->journey, gci_value_words(reason), not_found_ms);
  } else {
    gci_memory_keep_old(group, &load->journey);
  }
  gci_journey_answer(&load->journey, &answer);
  gcache_value_unref(reason);
  end(load);
}

/* Why the value cannot be delivered; NULL: it can. */
static const char *objection(const gcache_load_t *load, const gcache_value_t *value) {
  gcache_t *core = load->group->core;
  if (gcache_value_bytes(value).len > core->value_max)
    return "the getter's value is larger than this cache delivers";
  if (gci_value_expired_at(gcache_value_expire(value), gci_env_unix_ns(core->env)))
    return "the getter's value had already expired";
  return NULL;
}

void gcache_load_done(gcache_load_t *load, gcache_value_t *value) {
  assert(load->started);
  if (value == NULL) { /* a getter that found no memory for its value */
    gcache_load_fail(load, UV_ENOMEM, NULL);
    return;
  }
  struct gci_journey_end answer = {.value = value, .from = GCACHE_FROM_LOAD};
  const char *text = objection(load, value);
  if (text != NULL) {
    fail(load, GCACHE_ELOAD, text, 0);
  } else {
    load->group->stats.local_loads++;
    end_run(load, 0);
    learn(load);
    gci_memory_keep(load->group, GCI_MAIN, &load->journey.flight, value);
    gci_journey_answer(&load->journey, &answer);
    end(load);
  }
  gcache_value_unref(value);
}

void gcache_load_fail(gcache_load_t *load, int status, const char *reason) {
  if (reason == NULL) reason = gci_core_error_text(load->group->core, status);
  if (status == GCACHE_ENOTFOUND)
    fail(load, status, reason, load->group->not_found_ms);
  else
    fail(load, GCACHE_ELOAD, reason, 0);
}

void gcache_load_not_found(gcache_load_t *load, uint64_t not_found_ms, const char *reason) {
  if (reason == NULL) reason = gci_core_error_text(load->group->core, GCACHE_ENOTFOUND);
  fail(load, GCACHE_ENOTFOUND, reason, gci_window_of(not_found_ms));
}

void gcache_load_done_copy(gcache_load_t *load, gcache_bytes_t bytes, uint64_t ttl_ms) {
  gcache_t *core = load->group->core;
  int64_t expire = ttl_ms == 0 ? GCACHE_NEVER : gcache_expire_in(core, ttl_ms);
  gcache_load_done(load, gci_value_copy(core->env->mem, bytes, expire));
}

/* The work may be answered before load_work has returned. */
int gcache_load_work(gcache_load_t *load, gcache_work_cb work, void *arg) {
  int (*load_work)(gcache_load_t *, gcache_work_cb, void *) = load->group->core->load_work;
  assert(load->started);
  if (work == NULL) return UV_EINVAL;
  if (load_work == NULL) return UV_ENOTSUP;
  load->on_a_thread = 1;
  int rc = load_work(load, work, arg);
  if (rc < 0) load->on_a_thread = 0;
  return rc;
}

/* ------------------------------------------------------------------------------ questions ---- */

gcache_group_t *gcache_load_group(const gcache_load_t *load) {
  return load->group;
}

gcache_bytes_t gcache_load_key(const gcache_load_t *load) {
  return load->journey.flight.key;
}

uint64_t gcache_load_time_left_ms(const gcache_load_t *load) {
  return gci_core_time_left_ms(load->group->core, gci_journey_deadline_ms(&load->journey));
}

const char *gcache_load_traceparent(const gcache_load_t *load) {
  return gci_trace_words(load->trace);
}

void gcache_load_set_data(gcache_load_t *load, void *data) {
  load->data = data;
}

void *gcache_load_data(const gcache_load_t *load) {
  return load->data;
}
