/* W9: the class probabilities of one sample, and of many in rows, with the net of W3. float32 alone. */
#include "digits.h"

enum { VC = (C + V - 1) / V, ROOM = VC * V }; /* the classes in whole vectors */

/* [in, out], made once: one sample has the outputs in vectors */
static real t1[IN][H] ALIGNED, t2[H][H] ALIGNED, t3[H][ROOM] ALIGNED, b3[ROOM] ALIGNED;
static const real *theta;

void prepare(const real *w) {
    theta = w;
    for (int i = 0; i < H; i++)
        for (int o = 0; o < H; o++) {
            t1[i][o] = w[W1 + o * IN + i];
            t2[i][o] = w[W2 + o * H + i];
        }
    for (int c = 0; c < ROOM; c++) {
        for (int i = 0; i < H; i++) t3[i][c] = c < C ? w[W3 + c * H + i] : 0;
        b3[c] = c < C ? w[B3 + c] : 0;
    }
}

/* u[o] = b + Σ in[i] w[i], `vectors` of the outputs: 4 sums for each, or 1 where there are many, so that no
   addition waits for the one before. */
INLINE void dense(int vectors, const real *restrict in, const real *w, int row, const real *b, lanes *restrict u) {
    lanes sum[8][4];
    const int sums = vectors > 4 ? 1 : 4;
    UNROLL for (int o = 0; o < vectors; o++) {
        sum[o][0] = *(const lanes *)(b + o * V);
        UNROLL for (int k = 1; k < sums; k++) sum[o][k] = splat(0);
    }
    for (int i = 0; i < H; i += 4) UNROLL for (int k = 0; k < 4; k++) UNROLL for (int o = 0; o < vectors; o++)
        sum[o][k % sums] += in[i + k] * *(const lanes *)(w + (i + k) * row + o * V);
    UNROLL for (int o = 0; o < vectors; o++)
        u[o] = sums == 1 ? sum[o][0] : (sum[o][0] + sum[o][1]) + (sum[o][2] + sum[o][3]);
}

INLINE void hidden(const real *restrict in, const real *w, const real *b, real *restrict out) {
    enum { TOGETHER = H / V < 8 ? H / V : 8 };
    for (int o = 0; o < H; o += TOGETHER * V) {
        lanes u[TOGETHER];
        dense(TOGETHER, in, w + o, H, b + o, u);
        UNROLL for (int k = 0; k < TOGETHER; k++) *(lanes *)(out + o + k * V) = where_positive(u[k], u[k], splat(0));
    }
}

/* in [64] to out [10] */
void one(const real *restrict in, real *restrict out) {
    ALIGNED real z1[H], z2[H], p[ROOM];
    hidden(in, t1[0], theta + B1, z1);
    hidden(z1, t2[0], theta + B2, z2);
    dense(VC, z2, t3[0], ROOM, b3, (lanes *)p);
    real largest = p[0], total = 0;
    for (int c = 1; c < C; c++) largest = p[c] > largest ? p[c] : largest;
    for (int c = 0; c < ROOM; c++) p[c] = EXP(p[c] - largest);
    for (int c = 0; c < C; c++) total += p[c];
    for (int c = 0; c < C; c++) out[c] = p[c] / total;
}

/* in [count, 64] to out [count, 10]; count is a multiple of 32 */
void many(int count, const real *restrict in, real *restrict out) {
    static lanes x[IN][S], z1[H][S], z2[H][S], p[C][S];
    real largest[BATCH], total[BATCH];
    for (int begin = 0; begin < count; begin += BATCH, in += BATCH * IN, out += BATCH * C) {
        for (int i = 0; i < IN; i += PART)
            for (int n = 0; n < BATCH; n += PART) transpose_part((real *)x[i] + n, BATCH, in + n * IN + i, IN);
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
