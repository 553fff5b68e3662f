/* C++: all public headers together, and a function of each that is linked. */
#include <gcache/gcache.h>
#include <gcache/http.h>
#include <gcache/many.h>
#include <gcache/openssl.h>
#include <gcache/proto.h>
#include <gcache/transport.h>

typedef void (*function_t)(void);

function_t linked[] = {(function_t)gcache_listen, (function_t)gcache_value_pack,
                       (function_t)gcache_answer, (function_t)gcache_tls_open,
                       (function_t)gcache_get_many};

int main() {
  gcache_options_t options;
  gcache_t *cache = nullptr;
  gcache_options_init(&options);
  return gcache_open(&cache, &options) == 0; /* there is no loop */
}
