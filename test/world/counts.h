/* world/counts - counts of what happened to the members of a world, by kind. net.h and faults.h
 * count what the network and the system did. */
#ifndef WORLD_COUNTS_H
#define WORLD_COUNTS_H

#include <stdint.h>

#define WORLD_COUNTS(XX)              \
  XX(CRASH, "crashes")                \
  XX(DARK, "machines gone dark")      \
  XX(RESTART, "starts")               \
  XX(CLOSE, "closes")                 \
  XX(LEAVE, "leaves")                 \
  XX(STOP, "stops")                   \
  XX(JUMP, "clock jumps")             \
  XX(HOUR, "clock jumps of an hour")  \
  XX(LIST, "lists")                   \
  XX(PART, "partitions")              \
  XX(GROUP, "groups closed")          \
  XX(RESET, "resets")                 \
  XX(REFUSED, "connections refused")  \
  XX(HUSHED, "connections gone dumb") \
  XX(MEMORY, "allocations refused")

enum world_count_kind {
#define XX(name, word) WORLD_COUNT_##name,
  WORLD_COUNTS(XX)
#undef XX
      WORLD_COUNTS_N
};

const char *world_count_word(enum world_count_kind kind);

#endif
