/* What the machine can do: multiply-and-adds of whole vectors that wait for nothing. */
#include "lanes.h"

enum { CHAINS = 12 };

/* The floating-point operations that were done; `sink` keeps them from being left out. */
double peak(long rounds, real *sink) {
    lanes a[CHAINS], scale = splat((real)0.999), add = splat((real)1e-3);
    UNROLL for (int i = 0; i < CHAINS; i++) a[i] = splat((real)i);
    for (long k = 0; k < rounds; k++) UNROLL for (int i = 0; i < CHAINS; i++) a[i] = a[i] * scale + add;
    for (int i = 0; i < CHAINS; i++) *sink += a[i][0];
    return 2.0 * V * CHAINS * rounds;
}
