/* W1 and W2: input 1, DEPTH dense layers of 5 and one of 1 with an activation, a skip around every layer of 5
   to 5, output 1; ½(u − y)² on average over 40 samples, full batch, Adam.

   [features, batch], the batch in whole vectors: what is beyond 40 has weight 0 in the mean. A layer's
   gradient stays in registers until its sums. -DPRECISION=32|64 -DDEPTH=3|45, -DSNAKE for the activation
   u + sin²(au)/a instead of leaky_relu(0.01). */
#include "adam.h"

enum { N = 40, S = (N + V - 1) / V, H = 5, L = DEPTH };
/* θ: the weights of all layers, then the biases */
enum { W_HIDDEN = H, W_NARROW = W_HIDDEN + (L - 1) * H * H, W_OUT = W_NARROW + H };
enum { B = W_OUT + 1, B_NARROW = B + L * H, B_OUT = B_NARROW + 1, SIZE = ROUNDED(B_OUT + 1) };

typedef lanes layer[H][S];
static layer z[L], slope[L], delta[2];
static real gradient[SIZE] ALIGNED;

#ifdef SNAKE
#define A ((real)SNAKE)
/* u + sin²(au)/a and 1 + 2 sin cos */
INLINE void activate(lanes u, lanes *value, lanes *slope) {
    lanes sine, cosine;
    for (int i = 0; i < V; i++) sine[i] = SIN(A * u[i]);
    for (int i = 0; i < V; i++) cosine[i] = COS(A * u[i]);
    *value = u + sine * sine / A;
    *slope = 1 + 2 * sine * cosine;
}
#else
INLINE void activate(lanes u, lanes *value, lanes *slope) {
    *slope = where_positive(u, splat(1), splat((real)0.01));
    *value = u * *slope;
}
#endif

static void first(const real *w, const real *b, const lanes *x) {
    UNROLL for (int s = 0; s < S; s++) UNROLL for (int o = 0; o < H; o++)
        activate(w[o] * x[s] + b[o], &z[0][o][s], &slope[0][o][s]);
}

static void hidden(
    const real *restrict w, const real *restrict b,
    lanes (*restrict in)[S], lanes (*restrict slope)[S], lanes (*restrict out)[S]
) {
    UNROLL for (int s = 0; s < S; s++) UNROLL for (int o = 0; o < H; o++) {
        lanes u = splat(b[o]), value;
        UNROLL for (int i = 0; i < H; i++) u += w[o * H + i] * in[i][s];
        activate(u, &value, &slope[o][s]);
        out[o][s] = in[o][s] + value;
    }
}

static void hidden_back(
    const real *restrict w, real *restrict gw, real *restrict gb,
    lanes (*restrict in)[S], lanes (*restrict slope)[S],
    lanes (*restrict delta_out)[S], lanes (*restrict delta_in)[S]
) {
    layer dv;
    UNROLL for (int s = 0; s < S; s++) {
        UNROLL for (int o = 0; o < H; o++) dv[o][s] = delta_out[o][s] * slope[o][s];
        UNROLL for (int i = 0; i < H; i++) {
            lanes d = delta_out[i][s];
            UNROLL for (int o = 0; o < H; o++) d += w[o * H + i] * dv[o][s];
            delta_in[i][s] = d;
        }
    }
    lanes g[H * H], h[H];
    UNROLL for (int o = 0; o < H; o++) {
        UNROLL for (int i = 0; i < H; i++) g[o * H + i] = dv[o][0] * in[i][0];
        h[o] = dv[o][0];
        UNROLL for (int s = 1; s < S; s++) {
            UNROLL for (int i = 0; i < H; i++) g[o * H + i] += dv[o][s] * in[i][s];
            h[o] += dv[o][s];
        }
    }
    sum_into(gw, g, H * H);
    sum_into(gb, h, H);
}

/* The layer of 1, the output and the loss, forward and back; the loss. */
static real ends(const real *w, const lanes *y, const lanes *mean, layer in, layer delta_in) {
    lanes g[8] = {0}, loss = {0}; /* narrow W, narrow b, output W and b */
    UNROLL for (int s = 0; s < S; s++) {
        lanes u = splat(w[B_NARROW]), a, slope;
        UNROLL for (int i = 0; i < H; i++) u += w[W_NARROW + i] * in[i][s];
        activate(u, &a, &slope);
        lanes r = w[W_OUT] * a + w[B_OUT] - y[s], d = r * mean[s], dn = d * w[W_OUT] * slope;
        loss += r * d;
        UNROLL for (int i = 0; i < H; i++) {
            g[i] += dn * in[i][s];
            delta_in[i][s] = w[W_NARROW + i] * dn;
        }
        g[5] += dn;
        g[6] += d * a;
        g[7] += d;
    }
    real s[8];
    sum_into(s, g, 8);
    UNROLL for (int i = 0; i < H; i++) gradient[W_NARROW + i] = s[i];
    gradient[B_NARROW] = s[5];
    gradient[W_OUT] = s[6];
    gradient[B_OUT] = s[7];
    return sums(&loss, 1)[0] / 2;
}

static void first_back(const lanes *x) {
    lanes g[2 * H];
    UNROLL for (int o = 0; o < H; o++) {
        g[o] = g[H + o] = splat(0);
        UNROLL for (int s = 0; s < S; s++) {
            lanes dv = delta[0][o][s] * slope[0][o][s];
            g[o] += dv * x[s];
            g[H + o] += dv;
        }
    }
    sum_into(gradient, g, H);
    sum_into(gradient + B, g + H, H);
}

static real pass(const real *w, const lanes *x, const lanes *y, const lanes *mean) {
    first(w, w + B, x);
    for (int j = 1; j < L; j++)
        hidden(w + W_HIDDEN + (j - 1) * H * H, w + B + j * H, z[j - 1], slope[j], z[j]);
    real loss = ends(w, y, mean, z[L - 1], delta[(L - 1) % 2]);
    for (int j = L - 1; j > 0; j--) {
        int weights = W_HIDDEN + (j - 1) * H * H, biases = B + j * H;
        hidden_back(w + weights, gradient + weights, gradient + biases, z[j - 1], slope[j], delta[j % 2],
                    delta[(j - 1) % 2]);
    }
    first_back(x);
    return loss;
}

/* `steps` steps after step t. x, y [40, room for 48]; w, m, v [SIZE]; all at multiples of 64 bytes.
   losses [steps], those before each step, or NULL. */
void train(
    int steps, int t, double rate, const real *x, const real *y, real *w, real *m, real *v, real *losses
) {
    Adam adam = adam_after(rate, t);
    lanes mean[S];
    for (int n = 0; n < S * V; n++) mean[n / V][n % V] = n < N ? (real)1 / N : 0;
    for (int step = 0; step < steps; step++) {
        real loss = pass(w, (const lanes *)x, (const lanes *)y, mean);
        adam_step(&adam, SIZE, w, m, v, gradient);
        if (losses) losses[step] = loss;
    }
}
