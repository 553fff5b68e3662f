/* door/offer - which HTTP a TLS connection may choose, by ALPN. */
#ifndef GCI_DOOR_OFFER_H
#define GCI_DOOR_OFFER_H

#include "gcache/gcache.h"
#include "net/tls.h"

enum gci_tls_offer gci_offer_of(gcache_http_t http);

#endif
