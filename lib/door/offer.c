#include "door/offer.h"

#include "http/h2.h"

enum gci_tls_offer gci_offer_of(gcache_http_t http) {
  if (http == GCACHE_HTTP_2) return GCI_TLS_OFFER_HTTP_2;
  return http == GCACHE_HTTP_1 || !gci_h2_built_in() ? GCI_TLS_OFFER_HTTP_1 : GCI_TLS_OFFER_BOTH;
}
