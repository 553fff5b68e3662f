/* world/deeds - the single things that can happen to a cluster, and how often in which weather. */
#ifndef WORLD_DEEDS_H
#define WORLD_DEEDS_H

#include "member.h"

#define WORLD_STOP_MAX_US 3000000

enum world_weather_kind {
  WORLD_CALM,      /* delays and splits; one list for ever */
  WORLD_LISTS,     /* nothing is lost, but members disagree who is there */
  WORLD_LOSS,      /* connections are reset, refused, fall silent; the system fails now and then */
  WORLD_PARTITION, /* members cannot reach each other for a while */
  WORLD_CRASH,     /* members die, leave, return empty; clocks differ and jump */
  WORLD_MIXED,     /* all of it */
  WORLD_DEAD_ONE,  /* one member is dead for a while, and the others are well */
  WORLD_WEATHERS
};

const char *world_weather_word(enum world_weather_kind weather);

void world_deed(struct world *w, enum world_weather_kind weather); /* one, by chance */
void world_deeds_calm(struct world *w);                            /* no more faults */
void world_deeds_abandon(struct world *w);                         /* some members close at once */

#endif
