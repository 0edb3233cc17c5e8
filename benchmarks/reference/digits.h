/* The net of W3: 64-64-64-10, ReLU, softmax. [features, batch], 32 samples at once. */
#ifndef DIGITS_H
#define DIGITS_H

#include "lanes.h"

enum { IN = 64, H = 64, C = 10, BATCH = 32, S = BATCH / V };
/* θ: the weights [out, in] of all layers, then the biases */
enum { W1 = 0, W2 = W1 + H * IN, W3 = W2 + H * H, B1 = W3 + C * H, B2 = B1 + H, B3 = B2 + H, SIZE = ROUNDED(B3 + C) };

/* out[o] = b[o] + Σ w[o, i] in[i], max(…, 0) of it where it is asked for: `rows` o at once. */
INLINE void forward_rows(
    int rows, int relu, const real *restrict w, const real *restrict b,
    const lanes (*restrict in)[S], lanes (*restrict out)[S]
) {
    lanes u[8][S];
    UNROLL for (int o = 0; o < rows; o++) UNROLL for (int s = 0; s < S; s++) u[o][s] = splat(b[o]);
    for (int i = 0; i < H; i++)
        UNROLL for (int o = 0; o < rows; o++) UNROLL for (int s = 0; s < S; s++) u[o][s] += w[o * H + i] * in[i][s];
    UNROLL for (int o = 0; o < rows; o++) UNROLL for (int s = 0; s < S; s++)
        out[o][s] = relu ? where_positive(u[o][s], u[o][s], splat(0)) : u[o][s];
}

static void forward_hidden(const real *w, const real *b, const lanes (*in)[S], lanes (*out)[S]) {
    for (int o = 0; o < H; o += 8) forward_rows(8, 1, w + o * H, b + o, in, out + o);
}

static void forward_output(const real *w, const real *b, const lanes (*in)[S], lanes (*out)[S]) {
    for (int o = 0; o < C; o += 5) forward_rows(5, 0, w + o * H, b + o, in, out + o);
}

/* u becomes softmax(u); the largest u and the sum of the rest's exponentials are left for the loss. */
static void softmax(lanes (*u)[S], real *largest, real *total) {
    for (int n = 0; n < BATCH; n++) largest[n] = ((real *)u[0])[n];
    for (int c = 1; c < C; c++)
        for (int n = 0; n < BATCH; n++) {
            real value = ((real *)u[c])[n];
            largest[n] = value > largest[n] ? value : largest[n];
        }
    for (int n = 0; n < BATCH; n++) total[n] = 0;
    for (int c = 0; c < C; c++)
        for (int n = 0; n < BATCH; n++) total[n] += ((real *)u[c])[n] = EXP(((real *)u[c])[n] - largest[n]);
    for (int c = 0; c < C; c++)
        for (int n = 0; n < BATCH; n++) ((real *)u[c])[n] /= total[n];
}

#endif
