/* plain_asserts - replaces cmocka where a fuzz target shares a test's model. */
#ifndef TEST_FUZZ_PLAIN_ASSERTS_H
#define TEST_FUZZ_PLAIN_ASSERTS_H

#include "target.h"

#define assert_true(holds) fuzz_check((holds) != 0, #holds)
#define assert_non_null(pointer) fuzz_check((pointer) != NULL, #pointer)
#define assert_int_equal(a, b) fuzz_check((a) == (b), #a " is " #b)

#endif
