/* W3: mini-batches of 32 in a new order each epoch, the last one smaller, cross entropy, Adam.

   A sample is a row of 64 features. Its batch is needed in both layouts: forward and the slopes of the inputs
   have the batch in vectors, the slopes of W the features. */
#include "adam.h"
#include "digits.h"
#include "philox.h"

typedef lanes layer[H][S];
typedef struct { ALIGNED real row[BATCH][H]; } Rows;

static layer x, z1, z2, d1, d2;
static lanes p[C][S]; /* probabilities, then their slopes */
static Rows x_rows, z1_rows, z2_rows;
static real gradient[SIZE] ALIGNED;

static void to_features(layer out, const Rows *in) {
    for (int i = 0; i < H; i += PART)
        for (int n = 0; n < BATCH; n += PART) transpose_part((real *)out[i] + n, BATCH, in->row[n] + i, H);
}

static void to_rows(Rows *out, layer in) {
    for (int i = 0; i < H; i += PART)
        for (int n = 0; n < BATCH; n += PART) transpose_part(out->row[n] + i, H, (real *)in[i] + n, BATCH);
}

/* gw[o, i] = Σ d[o, n] z[n, i] for `rows` o and 2 vectors of i at once; gb[o] = Σ d[o, n]. */
INLINE void slopes_rows(int rows, real *restrict gw, const lanes (*restrict d)[S], const Rows *restrict z) {
    for (int i = 0; i < H; i += 2 * V) {
        lanes g[8][2];
        UNROLL for (int o = 0; o < rows; o++) g[o][0] = g[o][1] = splat(0);
        for (int n = 0; n < BATCH; n++) UNROLL for (int v = 0; v < 2; v++) {
            lanes zi = *(const lanes *)(z->row[n] + i + v * V);
            UNROLL for (int o = 0; o < rows; o++) g[o][v] += ((const real *)d[o])[n] * zi;
        }
        UNROLL for (int o = 0; o < rows; o++) UNROLL for (int v = 0; v < 2; v++)
            *(lanes *)(gw + o * H + i + v * V) = g[o][v];
    }
}

INLINE void slopes(int outputs, int rows, real *gw, real *gb, const lanes (*d)[S], const Rows *z) {
    for (int o = 0; o < outputs; o += rows) {
        slopes_rows(rows, gw + o * H, d + o, z);
        lanes sum[8];
        UNROLL for (int k = 0; k < rows; k++) {
            sum[k] = d[o + k][0];
            UNROLL for (int s = 1; s < S; s++) sum[k] += d[o + k][s];
        }
        sum_into(gb + o, sum, rows);
    }
}

/* d_in[i] = Σ w[o, i] d[o] where z[i] > 0, else 0, ROWS i at once. */
INLINE void back(int outputs, const real *restrict w, const lanes (*restrict d)[S], layer z, lanes (*restrict d_in)[S]) {
    for (int i = 0; i < H; i += ROWS) for (int s = 0; s < S; s += 2) {
        lanes t[ROWS][2];
        UNROLL for (int k = 0; k < ROWS; k++) t[k][0] = t[k][1] = splat(0);
        for (int o = 0; o < outputs; o++) UNROLL for (int k = 0; k < ROWS; k++) UNROLL for (int v = 0; v < 2; v++)
            t[k][v] += w[o * H + i + k] * d[o][s + v];
        UNROLL for (int k = 0; k < ROWS; k++) UNROLL for (int v = 0; v < 2; v++)
            d_in[i + k][s + v] = where_positive(z[i + k][s + v], t[k][v], splat(0));
    }
}

/* From the outputs in p to their slopes; the sum of the losses of the first `count`, where the rest is left out. */
static real cross_entropy(const int32_t *label, int count) {
    real largest[BATCH], total[BATCH], picked[BATCH], loss = 0, *u = (real *)p;
    for (int n = 0; n < BATCH; n++) picked[n] = u[label[n] * BATCH + n];
    softmax(p, largest, total);
    for (int n = 0; n < BATCH; n++) loss += n < count ? LOG(total[n]) + largest[n] - picked[n] : 0;
    for (int n = 0; n < BATCH; n++) u[label[n] * BATCH + n] -= 1;
    for (int c = 0; c < C; c++)
        for (int n = 0; n < BATCH; n++) u[c * BATCH + n] *= n < count ? (real)1 / count : 0;
    return loss;
}

/* One pass over the batch in x_rows. */
static real pass(const real *w, const int32_t *label, int count) {
    to_features(x, &x_rows);
    forward_hidden(w + W1, w + B1, x, z1);
    to_rows(&z1_rows, z1);
    forward_hidden(w + W2, w + B2, z1, z2);
    to_rows(&z2_rows, z2);
    forward_output(w + W3, w + B3, z2, p);
    real loss = cross_entropy(label, count);
    slopes(C, 5, gradient + W3, gradient + B3, p, &z2_rows);
    back(C, w + W3, p, z2, d2);
    slopes(H, ROWS, gradient + W2, gradient + B2, d2, &z1_rows);
    back(H, w + W2, d2, z1, d1);
    slopes(H, ROWS, gradient + W1, gradient + B1, d1, &x_rows);
    return loss;
}

/* `epochs` epochs after that many steps and epochs. samples [count, 64] and labels [count]; w, m, v [SIZE] at
   multiples of 64 bytes; order [count], keys and sorted [count] are scratch. losses [epochs], the mean of what
   each epoch saw. */
void train(
    int epochs, int epoch, double rate, uint64_t seed, int count, const real *samples, const int32_t *labels,
    real *w, real *m, real *v, int32_t *order, uint64_t *keys, uint64_t *sorted, double *losses
) {
    Adam adam = adam_after(rate, epoch * ((count + BATCH - 1) / BATCH));
    for (int end = epoch + epochs; epoch < end; epoch++) {
        double loss = 0;
        shuffled(order, keys, sorted, count, seed, epoch);
        for (int begin = 0; begin < count; begin += BATCH) {
            int size = count - begin < BATCH ? count - begin : BATCH;
            int32_t label[BATCH] = {0};
            for (int n = 0; n < size; n++) {
                memcpy(x_rows.row[n], samples + (size_t)order[begin + n] * IN, sizeof x_rows.row[n]);
                label[n] = labels[order[begin + n]];
            }
            loss += pass(w, label, size);
            adam_step(&adam, SIZE, w, m, v, gradient);
        }
        *losses++ = loss / count;
    }
}

/* The order of one epoch, to be looked at. */
void order_of_epoch(int32_t *order, uint64_t *keys, uint64_t *sorted, int n, uint64_t seed, uint32_t epoch) {
    shuffled(order, keys, sorted, n, seed, epoch);
}
