/* W9: the class probabilities of one sample, and of many in rows, with the net of W3. float32 alone. */
#define WIDE
#include "digits.h"

_Static_assert(V >= C, "the classes are one vector");

/* [in, out], made once: one sample has the outputs in vectors */
static real t1[IN][H] ALIGNED, t2[H][H] ALIGNED, t3[H][V] ALIGNED, b3[V] ALIGNED;
static const real *theta;

void prepare(const real *w) {
    theta = w;
    for (int i = 0; i < H; i++)
        for (int o = 0; o < H; o++) {
            t1[i][o] = w[W1 + o * IN + i];
            t2[i][o] = w[W2 + o * H + i];
        }
    for (int c = 0; c < V; c++) {
        for (int i = 0; i < H; i++) t3[i][c] = c < C ? w[W3 + c * H + i] : 0;
        b3[c] = c < C ? w[B3 + c] : 0;
    }
}

/* Four sums at once for each output, that no addition waits for the one before. */
INLINE void dense(const real *restrict in, const real *restrict w, const real *restrict b, real *restrict out) {
    enum { VECTORS = H / V };
    lanes u[VECTORS][4];
    UNROLL for (int o = 0; o < VECTORS; o++) {
        u[o][0] = *(const lanes *)(b + o * V);
        u[o][1] = u[o][2] = u[o][3] = splat(0);
    }
    for (int i = 0; i < H; i += 4) UNROLL for (int k = 0; k < 4; k++) UNROLL for (int o = 0; o < VECTORS; o++)
        u[o][k] += in[i + k] * *(const lanes *)(w + (i + k) * H + o * V);
    UNROLL for (int o = 0; o < VECTORS; o++) {
        lanes sum = (u[o][0] + u[o][1]) + (u[o][2] + u[o][3]);
        *(lanes *)(out + o * V) = where_positive(sum, sum, splat(0));
    }
}

/* in [64] to out [10] */
void one(const real *restrict in, real *restrict out) {
    ALIGNED real z1[H], z2[H], p[V];
    dense(in, t1[0], theta + B1, z1);
    dense(z1, t2[0], theta + B2, z2);
    lanes u[4] = {*(const lanes *)b3};
    for (int i = 0; i < H; i += 4) UNROLL for (int k = 0; k < 4; k++) u[k] += z2[i + k] * *(const lanes *)t3[i + k];
    *(lanes *)p = (u[0] + u[1]) + (u[2] + u[3]);
    real largest = p[0], total = 0;
    for (int c = 1; c < C; c++) largest = p[c] > largest ? p[c] : largest;
    for (int c = 0; c < V; c++) p[c] = EXP(p[c] - largest);
    for (int c = 0; c < C; c++) total += p[c];
    for (int c = 0; c < C; c++) out[c] = p[c] / total;
}

/* in [count, 64] to out [count, 10]; count is a multiple of 32 */
void many(int count, const real *restrict in, real *restrict out) {
    static lanes x[IN][S], z1[H][S], z2[H][S], p[C][S];
    real largest[BATCH], total[BATCH];
    for (int begin = 0; begin < count; begin += BATCH, in += BATCH * IN, out += BATCH * C) {
        for (int i = 0; i < IN; i += 8)
            for (int n = 0; n < BATCH; n += 8) transpose8((real *)x[i] + n, BATCH, in + n * IN + i, IN);
        forward_hidden(theta + W1, theta + B1, x, z1);
        forward_hidden(theta + W2, theta + B2, z1, z2);
        forward_output(theta + W3, theta + B3, z2, p);
        softmax(p, largest, total);
        for (int n = 0; n < BATCH; n++)
            for (int c = 0; c < C; c++) out[n * C + c] = ((real *)p[c])[n];
    }
}

/* So many calls of `one`, for its time without that of a call from Python. */
void repeated(int count, const real *in, real *out) {
    for (int k = 0; k < count; k++) {
        one(in, out);
        __asm__ volatile("" ::: "memory");
    }
}
