/* The net of W3: 64-64-64-10, ReLU, softmax. [features, batch], 32 samples at once. */
#ifndef DIGITS_H
#define DIGITS_H

#include "lanes.h"

enum { IN = 64, H = 64, C = 10, BATCH = 32, S = BATCH / V };
/* θ: the weights [out, in] of all layers, then the biases */
enum { W1 = 0, W2 = W1 + H * IN, W3 = W2 + H * H, B1 = W3 + C * H, B2 = B1 + H, B3 = B2 + H, SIZE = ROUNDED(B3 + C) };

/* sums that are made at once: ROWS by 2 vectors */
enum { ROWS = REGISTERS / 4 };

/* out[o] = b[o] + Σ w[o, i] in[i], max(…, 0) of it where it is asked for: `rows` o at once. */
INLINE void forward_rows(
    int rows, int relu, const real *restrict w, const real *restrict b,
    const lanes (*restrict in)[S], lanes (*restrict out)[S]
) {
    for (int s = 0; s < S; s += 2) {
        lanes u[8][2];
        UNROLL for (int o = 0; o < rows; o++) u[o][0] = u[o][1] = splat(b[o]);
        for (int i = 0; i < H; i++) UNROLL for (int o = 0; o < rows; o++) UNROLL for (int v = 0; v < 2; v++)
            u[o][v] += w[o * H + i] * in[i][s + v];
        UNROLL for (int o = 0; o < rows; o++) UNROLL for (int v = 0; v < 2; v++)
            out[o][s + v] = relu ? where_positive(u[o][v], u[o][v], splat(0)) : u[o][v];
    }
}

static void forward_hidden(const real *w, const real *b, const lanes (*in)[S], lanes (*out)[S]) {
    for (int o = 0; o < H; o += ROWS) forward_rows(ROWS, 1, w + o * H, b + o, in, out + o);
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
