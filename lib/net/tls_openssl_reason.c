/* net/tls_openssl_reason - OpenSSL's error queue as one line of words. */
#include "net/tls_openssl.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

void gci_tls_say(char *out, size_t cap, const char *format, ...) {
  va_list args;

  if (cap == 0) return;
  va_start(args, format);
  vsnprintf(out, cap, format, args);
  va_end(args);
  for (; *out != 0; out++)
    if (*out < ' ' || *out > '~') *out = '?';
}

/* Explains errors whose text in OpenSSL is not enough. */
static const char *meaning(unsigned long e) {
  if (ERR_GET_LIB(e) != ERR_LIB_SSL) return "";
  if (ERR_GET_REASON(e) > SSL_AD_REASON_OFFSET) return " (reported by the other side)";
  switch (ERR_GET_REASON(e)) {
  case SSL_R_HTTP_REQUEST:
  case SSL_R_HTTPS_PROXY_REQUEST:
    return " (plain HTTP sent to a TLS port)";
  case SSL_R_WRONG_VERSION_NUMBER:
    return " (the received data is not TLS)";
  case SSL_R_NO_APPLICATION_PROTOCOL:
    return " (none of the offered ones is supported here)";
  default:
    return "";
  }
}

static int is_verify_failed(unsigned long e) {
  return ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED;
}

/* Empties the queue. The first error is the cause, the others followed from it; but a bad
 * certificate has an error text of its own. */
static unsigned long take_cause(void) {
  unsigned long e, cause = ERR_peek_error();

  while ((e = ERR_get_error()) != 0)
    if (is_verify_failed(e)) cause = e;
  return cause;
}

int gci_tls_say_error(char *out, size_t cap, const SSL *ssl) {
  unsigned long e = take_cause();
  const char *words = ERR_reason_error_string(e);

  if (e == 0)
    gci_tls_say(out, cap, "OpenSSL gives no reason");
  else if (is_verify_failed(e) && ssl != NULL)
    gci_tls_say(out, cap, "%s: %s", words,
                X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
  else if (words != NULL)
    gci_tls_say(out, cap, "%s%s", words, meaning(e));
  else
    gci_tls_say(out, cap, "OpenSSL error %08lx", e);
  return ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE ? UV_ENOMEM : UV_EPROTO;
}
