/* store/budget - see budget.h. */
#include "store/budget.h"

#include <stdint.h>

static struct gci_budget_member *member_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_budget_member, link);
}

static size_t taken(const struct gci_budget *budget) {
  size_t sum = 0;
  gci_list_each(link, &budget->members) {
    const struct gci_budget_member *member = member_of(link);
    sum += member->bytes(member);
  }
  return sum;
}

static size_t least_of_all(const struct gci_budget *budget) {
  size_t sum = 0;
  gci_list_each(link, &budget->members) sum += member_of(link)->least;
  return sum;
}

static double weight_of_all(const struct gci_budget *budget) {
  double sum = 0;
  gci_list_each(link, &budget->members) sum += (double)member_of(link)->weight;
  return sum;
}

void gci_budget_init(struct gci_budget *budget, size_t max_bytes) {
  budget->max_bytes = max_bytes;
  gci_list_init(&budget->members);
}

/* Bytes over its fair share; below 0: under it. */
static double excess(const struct gci_budget_member *member, double all) {
  double share = (double)member->budget->max_bytes * (double)member->weight / all;
  return (double)member->bytes(member) - share;
}

/* Among the members that have something to give. NULL: none. */
static struct gci_budget_member *most_over(const struct gci_budget *budget) {
  struct gci_budget_member *found = NULL;
  double most = 0, all = weight_of_all(budget);
  gci_list_each(link, &budget->members) {
    struct gci_budget_member *member = member_of(link);
    if (member->bytes(member) <= member->least) continue;
    double over = excess(member, all);
    if (found != NULL && over <= most) continue;
    found = member;
    most = over;
  }
  return found;
}

static int give(struct gci_budget *budget) {
  struct gci_budget_member *member = most_over(budget);
  return member != NULL && member->give(member);
}

int gci_budget_admit(struct gci_budget *budget, size_t least) {
  if (budget->max_bytes == 0) return 0;
  size_t others = least_of_all(budget);
  if (least > budget->max_bytes || others > budget->max_bytes - least) return GCACHE_ENOROOM;
  while (taken(budget) + least > budget->max_bytes)
    if (!give(budget)) return GCACHE_ENOROOM;
  return 0;
}

void gci_budget_join(struct gci_budget *budget, struct gci_budget_member *member) {
  if (budget->max_bytes == 0) return;
  member->budget = budget;
  gci_list_push_back(&budget->members, &member->link);
}

void gci_budget_leave(struct gci_budget_member *member) {
  gci_link_unlink(&member->link);
  member->budget = NULL;
}

size_t gci_budget_room(const struct gci_budget_member *member) {
  if (member->budget == NULL) return SIZE_MAX;
  return member->budget->max_bytes - taken(member->budget);
}

size_t gci_budget_most(const struct gci_budget_member *member) {
  if (member->budget == NULL) return SIZE_MAX;
  return member->budget->max_bytes - (least_of_all(member->budget) - member->least);
}

int gci_budget_give(struct gci_budget_member *member) {
  return member->budget != NULL && give(member->budget);
}
