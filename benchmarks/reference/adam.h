/* Adam (Kingma and Ba, 2015) with the corrections of the bias folded into two numbers of the step. */
#ifndef ADAM_H
#define ADAM_H

#include "lanes.h"

typedef struct {
    double rate, power1, power2; /* lr, 0.9^t, 0.999^t */
} Adam;

/* Before step t + 1. */
static Adam adam_after(double rate, int t) { return (Adam){rate, pow(0.9, t), pow(0.999, t)}; }

/* One step for `size` parameters, a multiple of 16. */
INLINE void adam_step(
    Adam *adam, int size, real *restrict w, real *restrict m, real *restrict v, const real *restrict gradient
) {
    adam->power1 *= 0.9;
    adam->power2 *= 0.999;
    double root = sqrt(1 - adam->power2);
    real rate = adam->rate * root / (1 - adam->power1), eps = 1e-8 * root;
    for (int i = 0; i < size; i++) {
        real g = gradient[i];
        m[i] = (real)0.9 * m[i] + (real)0.1 * g;
        v[i] = (real)0.999 * v[i] + (real)0.001 * g * g;
        w[i] -= rate * m[i] / (SQRT(v[i]) + eps);
    }
}

#endif
