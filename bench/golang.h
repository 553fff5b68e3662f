/* golang - the programs in bench/go, each built once, into a directory of its own, with Debian's
 * packages golang-go and golang-github-golang-groupcache-dev. */
#ifndef BENCH_GOLANG_H
#define BENCH_GOLANG_H

enum golang_program { GOLANG_LOCAL, GOLANG_REMOTE };

/* Its path; NULL: it cannot be built; said once on stderr. */
const char *golang_build(enum golang_program program);

#endif
