/* W5: 28x28x1, conv 8 3x3 ReLU, mean of 2x2, conv 16 3x3 ReLU, mean of 2x2, dense 10; cross entropy, batches of 64
   in a new order each epoch, SGD with momentum.

   The convolutions are direct. A block of the batch is one vector wide and goes through the whole net by itself,
   so that its pictures, [height, width, channels, block], stay in the second cache; those that a convolution reads
   have a border of zeros. Gradients of the kernels are summed over the block's lanes once a step. */
#include "lanes.h"
#include "philox.h"

enum { BATCH = 64, BLOCKS = BATCH / V, SIDE1 = 28, SIDE2 = 14, SIDE3 = 7, C1 = 8, C2 = 16, CLASSES = 10 };
enum { PIXELS = SIDE1 * SIDE1, FLAT = SIDE3 * SIDE3 * C2, TAPS = 9 };
/* θ: kernels [out, tap, in] and W [10, 784], then the biases */
enum { W1 = 0, W2 = W1 + C1 * TAPS, W3 = W2 + C2 * TAPS * C1, B1 = W3 + CLASSES * FLAT, B2 = B1 + C1, B3 = B2 + C2 };
enum { SIZE = ROUNDED(B3 + CLASSES) };
enum { J = REGISTERS / 4, K = REGISTERS / 8 }; /* outputs and inputs whose sums are made at once */

static lanes x[SIDE1 + 2][SIDE1 + 2][1], a1[SIDE1][SIDE1][C1], p1[SIDE2 + 2][SIDE2 + 2][C1];
static lanes a2[SIDE2][SIDE2][C2], p2[BLOCKS][SIDE3][SIDE3][C2], p[BLOCKS][CLASSES];
static lanes d1[SIDE1][SIDE1][C1], dp1[SIDE2][SIDE2][C1], d2[SIDE2 + 2][SIDE2 + 2][C2], dp2[FLAT];
static lanes g1[C1][TAPS], g2[C2][TAPS][C1], gb1[C1], gb2[C2];
static real gradient[SIZE] ALIGNED;

/* out[h, w, j] = b[j] + Σ over taps and k of w[j·row + tap·step + k·column] in[h + tap/3, w + tap%3, k], for J j
   and 2 pixels at once; max(…, 0) of it where there is a bias. */
INLINE void convolve(
    int side, int outputs, int inputs, const real *restrict w, int row, int step, int column,
    const real *restrict b, const lanes *restrict in, lanes *restrict out
) {
    for (int h = 0; h < side; h++) for (int j = 0; j < outputs; j += J) for (int v = 0; v < side; v += 2) {
        lanes u[J][2];
        UNROLL for (int o = 0; o < J; o++) u[o][0] = u[o][1] = splat(b ? b[j + o] : 0);
        for (int tap = 0; tap < TAPS; tap++) {
            const lanes *from = in + ((h + tap / 3) * (side + 2) + v + tap % 3) * inputs;
            const real *weights = w + j * row + tap * step;
            for (int k = 0; k < inputs; k++) UNROLL for (int o = 0; o < J; o++) {
                u[o][0] += weights[o * row + k * column] * from[k];
                u[o][1] += weights[o * row + k * column] * from[inputs + k];
            }
        }
        UNROLL for (int o = 0; o < J; o++) UNROLL for (int n = 0; n < 2; n++)
            out[(h * side + v + n) * outputs + j + o] = b ? where_positive(u[o][n], u[o][n], splat(0)) : u[o][n];
    }
}

/* out[h, w] = the mean of four; `border` numbers are around it. */
INLINE void average(int side, int channels, int border, const lanes *restrict in, lanes *restrict out) {
    for (int h = 0; h < side; h++) for (int w = 0; w < side; w++) {
        const lanes *upper = in + 2 * (2 * h * side + w) * channels, *lower = upper + 2 * side * channels;
        lanes *to = out + ((h + border) * (side + 2 * border) + w + border) * channels;
        for (int c = 0; c < channels; c++)
            to[c] = (real)0.25 * ((upper[c] + upper[channels + c]) + (lower[c] + lower[channels + c]));
    }
}

/* The way back through the mean and the ReLU before it, into a picture with a border; sums for the bias. */
INLINE void average_back(
    int side, int channels, int border, const lanes *restrict slopes, const lanes *restrict activated,
    lanes *restrict out, lanes *restrict bias
) {
    for (int h = 0; h < 2 * side; h++) for (int w = 0; w < 2 * side; w++) {
        const lanes *from = slopes + ((h / 2) * side + w / 2) * channels;
        const lanes *a = activated + (h * 2 * side + w) * channels;
        lanes *to = out + ((h + border) * (2 * side + 2 * border) + w + border) * channels;
        UNROLL for (int c = 0; c < channels; c++) {
            to[c] = where_positive(a[c], (real)0.25 * from[c], splat(0));
            bias[c] += to[c];
        }
    }
}

/* g2[o, tap, c] += Σ d2[h, w, o] p1[h, w + tap, c], 4 o and K c at once, a row of the picture at a time */
static void kernel2_slopes(void) {
    for (int h = 0; h < SIDE2; h++) for (int tap = 0; tap < TAPS; tap++)
        for (int o = 0; o < C2; o += 4) for (int c = 0; c < C1; c += K) {
            lanes g[4][K];
            UNROLL for (int i = 0; i < 4; i++) UNROLL for (int k = 0; k < K; k++) g[i][k] = g2[o + i][tap][c + k];
            for (int w = 0; w < SIDE2; w++) {
                const lanes *d = &d2[h + 1][w + 1][o], *z = &p1[h + tap / 3][w + tap % 3][c];
                UNROLL for (int i = 0; i < 4; i++) UNROLL for (int k = 0; k < K; k++) g[i][k] += d[i] * z[k];
            }
            UNROLL for (int i = 0; i < 4; i++) UNROLL for (int k = 0; k < K; k++) g2[o + i][tap][c + k] = g[i][k];
        }
}

/* The same of the first kernel, J o and a row of 3 taps at once. */
static void kernel1_slopes(void) {
    for (int h = 0; h < SIDE1; h++) for (int r = 0; r < 3; r++) for (int j = 0; j < C1; j += J) {
        lanes g[J][3];
        UNROLL for (int o = 0; o < J; o++) UNROLL for (int t = 0; t < 3; t++) g[o][t] = g1[j + o][3 * r + t];
        for (int w = 0; w < SIDE1; w++)
            UNROLL for (int o = 0; o < J; o++) UNROLL for (int t = 0; t < 3; t++)
                g[o][t] += d1[h][w][j + o] * x[h + r][w + t][0];
        UNROLL for (int o = 0; o < J; o++) UNROLL for (int t = 0; t < 3; t++) g1[j + o][3 * r + t] = g[o][t];
    }
}

/* From p2 to the slopes of the outputs in u; the sum of the losses. */
static real classify(const real *restrict w, const real *restrict b, const lanes *z, lanes *u, const int32_t *label) {
    real *out = (real *)u, largest[V], total[V] = {0}, loss = 0;
    for (int c = 0; c < CLASSES; c += 5) {
        lanes sum[5][2];
        UNROLL for (int k = 0; k < 5; k++) { sum[k][0] = splat(b[c + k]); sum[k][1] = splat(0); }
        for (int i = 0; i < FLAT; i += 2) UNROLL for (int k = 0; k < 5; k++) UNROLL for (int n = 0; n < 2; n++)
            sum[k][n] += w[(c + k) * FLAT + i + n] * z[i + n];
        UNROLL for (int k = 0; k < 5; k++) u[c + k] = sum[k][0] + sum[k][1];
    }
    for (int n = 0; n < V; n++) largest[n] = out[n];
    for (int c = 1; c < CLASSES; c++) for (int n = 0; n < V; n++)
        largest[n] = out[c * V + n] > largest[n] ? out[c * V + n] : largest[n];
    for (int n = 0; n < V; n++) loss += largest[n] - out[label[n] * V + n];
    for (int c = 0; c < CLASSES; c++) for (int n = 0; n < V; n++)
        total[n] += out[c * V + n] = EXP(out[c * V + n] - largest[n]);
    for (int n = 0; n < V; n++) loss += LOG(total[n]);
    for (int c = 0; c < CLASSES; c++) for (int n = 0; n < V; n++) out[c * V + n] /= total[n];
    for (int n = 0; n < V; n++) out[label[n] * V + n] -= 1;
    for (int c = 0; c < CLASSES; c++) u[c] *= (real)1 / BATCH;
    return loss;
}

static void classify_back(const real *restrict w, const lanes *restrict u, lanes *restrict slopes) {
    for (int i = 0; i < FLAT; i += 8) {
        lanes d[8];
        UNROLL for (int k = 0; k < 8; k++) d[k] = splat(0);
        UNROLL for (int c = 0; c < CLASSES; c++) UNROLL for (int k = 0; k < 8; k++) d[k] += w[c * FLAT + i + k] * u[c];
        UNROLL for (int k = 0; k < 8; k++) slopes[i + k] = d[k];
    }
}

/* The gradient of the dense layer, from all blocks. */
static void dense_slopes(real *restrict gw, real *restrict gb) {
    for (int i = 0; i < FLAT; i += 8) for (int c = 0; c < CLASSES; c++) {
        lanes g[8];
        UNROLL for (int k = 0; k < 8; k++) g[k] = splat(0);
        UNROLL for (int n = 0; n < BLOCKS; n++) UNROLL for (int k = 0; k < 8; k++)
            g[k] += p[n][c] * (&p2[n][0][0][0])[i + k];
        sum_into(gw + c * FLAT + i, g, 8);
    }
    for (int c = 0; c < CLASSES; c++) {
        lanes g = splat(0);
        for (int n = 0; n < BLOCKS; n++) g += p[n][c];
        gb[c] = sums(&g, 1)[0];
    }
}

/* One vector of the batch through the net and back. */
static real block(const real *w, int number, const int32_t *label) {
    convolve(SIDE1, C1, 1, w + W1, TAPS, 1, 1, w + B1, x[0][0], a1[0][0]);
    average(SIDE2, C1, 1, a1[0][0], p1[0][0]);
    convolve(SIDE2, C2, C1, w + W2, TAPS * C1, C1, 1, w + B2, p1[0][0], a2[0][0]);
    average(SIDE3, C2, 0, a2[0][0], p2[number][0][0]);
    real loss = classify(w + W3, w + B3, p2[number][0][0], p[number], label);
    classify_back(w + W3, p[number], dp2);
    average_back(SIDE3, C2, 1, dp2, a2[0][0], d2[0][0], gb2);
    kernel2_slopes();
    convolve(SIDE2, C1, C2, w + W2 + (TAPS - 1) * C1, 1, -C1, TAPS * C1, NULL, d2[0][0], dp1[0][0]);
    average_back(SIDE2, C1, 0, dp1[0][0], a1[0][0], d1[0][0], gb1);
    kernel1_slopes();
    return loss;
}

/* The samples of a block, rows of 784, into x. */
static void load(const real *samples, const int32_t *chosen) {
    static real rows[V][PIXELS] ALIGNED, turned[PIXELS][V] ALIGNED;
    for (int n = 0; n < V; n++) memcpy(rows[n], samples + (size_t)chosen[n] * PIXELS, sizeof rows[n]);
    for (int i = 0; i < PIXELS; i += PART) for (int n = 0; n < V; n += PART) transpose_part(turned[i] + n, V, rows[n] + i, PIXELS);
    for (int h = 0; h < SIDE1; h++) memcpy(x[h + 1][1], turned[h * SIDE1], sizeof turned[0] * SIDE1);
}

static real pass(const real *w, const real *samples, const int32_t *labels, const int32_t *chosen) {
    real loss = 0;
    memset(g1, 0, sizeof g1), memset(g2, 0, sizeof g2), memset(gb1, 0, sizeof gb1), memset(gb2, 0, sizeof gb2);
    for (int n = 0; n < BLOCKS; n++) {
        int32_t label[V];
        for (int i = 0; i < V; i++) label[i] = labels[chosen[n * V + i]];
        load(samples, chosen + n * V);
        loss += block(w, n, label);
    }
    for (int i = 0; i < C1 * TAPS; i += 8) sum_into(gradient + W1 + i, g1[0] + i, 8);
    for (int i = 0; i < C2 * TAPS * C1; i += 8) sum_into(gradient + W2 + i, g2[0][0] + i, 8);
    for (int i = 0; i < C1; i += 8) sum_into(gradient + B1 + i, gb1 + i, 8);
    for (int i = 0; i < C2; i += 8) sum_into(gradient + B2 + i, gb2 + i, 8);
    dense_slopes(gradient + W3, gradient + B3);
    return loss;
}

/* `steps` steps after step t. samples [count, 784] and labels [count], count a multiple of 64; w and velocity
   [SIZE] at multiples of 64 bytes; order [count], keys and sorted [count] are scratch. losses [steps]. */
void train(
    int steps, int t, double rate, double momentum, uint64_t seed, int count, const real *samples,
    const int32_t *labels, real *w, real *velocity, int32_t *order, uint64_t *keys, uint64_t *sorted, real *losses
) {
    int per_epoch = count / BATCH;
    for (int first = t, end = t + steps; t < end; t++) {
        if (t == first || t % per_epoch == 0) shuffled(order, keys, sorted, count, seed, t / per_epoch);
        real loss = pass(w, samples, labels, order + t % per_epoch * BATCH);
        for (int i = 0; i < SIZE; i++) {
            velocity[i] = (real)momentum * velocity[i] + gradient[i];
            w[i] -= (real)rate * velocity[i];
        }
        *losses++ = loss / BATCH;
    }
}
