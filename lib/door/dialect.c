#include "door/dialect.h"

/* An unknown group is 404 in mailgun v2, which its clients take for "not found": a flaw that our
 * own clients correct by Gcache-Reason. groupcache-go v3 closes the connection instead, so its
 * clients load for themselves: 500 makes them do the same. */
static const struct gci_dialect dialects[] = {
    [GCACHE_DIALECT_GCACHE] = {.name = "gcache",
                               .stay = "$&+:=@",
                               .states_expiry = 1,
                               .not_found = 404,
                               .failed = 503,
                               .no_group = 404,
                               .has_unix = 1,
                               .getter_failed = 503},
    [GCACHE_DIALECT_MAILGUN] = {.name = "mailgun",
                                .stay = "$&+:=@",
                                .states_expiry = 1,
                                .not_found = 404,
                                .failed = 503,
                                .no_group = 404,
                                .getter_failed = 503,
                                .plain = 1},
    [GCACHE_DIALECT_GROUPCACHE_GO] = {.name = "groupcache-go",
                                      .stay = "$&+:=@",
                                      .places_authority = 1,
                                      .refuses_odd_methods = 1,
                                      .states_expiry = 1,
                                      .not_found = 404,
                                      .failed = 503,
                                      .no_group = 500,
                                      .removes_many = 1,
                                      .getter_failed = 503,
                                      .plain = 1},
    [GCACHE_DIALECT_GOLANG] = {.name = "golang",
                               .stay = "",
                               .gets_only = 1,
                               .not_found = 500,
                               .failed = 500,
                               .no_group = 404,
                               .getter_failed = 500,
                               .plain = 1},
};

const struct gci_dialect *gci_dialect_of(gcache_dialect_t dialect) {
  return &dialects[dialect];
}
