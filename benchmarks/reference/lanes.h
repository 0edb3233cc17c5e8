/* Vectors of 64 bytes, of float32 those of the machine where it has shorter ones (gcc splits longer ones, at a
   high price; WIDE asks for it), and the two things that plain loops do not give: sums of many vectors at once,
   and transposes. PRECISION is 32 or 64. */
#ifndef LANES_H
#define LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#if PRECISION == 64
typedef double real;
enum { V = 8 };
#define SQRT sqrt
#define EXP exp
#define LOG log
#define SIN sin
#define COS cos
#else
typedef float real;
#if defined(__AVX512F__) || defined(WIDE)
#define HALVES 1
enum { V = 16 };
#else
enum { V = 8 };
#endif
#define SQRT sqrtf
#define EXP expf
#define LOG logf
#define SIN sinf
#define COS cosf
#endif

typedef real lanes __attribute__((vector_size(V * sizeof(real))));
typedef real eight __attribute__((vector_size(8 * sizeof(real))));
typedef real eight_anywhere __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real))));

#define ALIGNED __attribute__((aligned(64)))
#define INLINE static inline __attribute__((always_inline))
#define ROUNDED(n) (((n) + 15) / 16 * 16) /* flat vectors have room for whole vectors of either precision */
#define PRAGMA(text) _Pragma(#text)
#define UNROLL PRAGMA(GCC unroll 16)

INLINE lanes splat(real a) { return a - (lanes){0}; }

/* yes where u > 0, else no: C has no ?: for vectors */
INLINE lanes where_positive(lanes u, lanes yes, lanes no) {
    typedef __typeof__(u > 0) bits;
    return (lanes)(((u > 0) & (bits)yes) | (~(u > 0) & (bits)no));
}

/* Neighbours, pairs and halves of a and b: the first of each two, and the second. */
#define FIRST1(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define SECOND1(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define FIRST2(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SECOND2(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define FIRST4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SECOND4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

INLINE eight half(lanes a) {
#ifndef HALVES
    return a;
#else
    return __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
           __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

/* The sum of each of `count` vectors, 8 at most: a tree of 7 additions instead of one for each. */
INLINE eight sums(const lanes *a, int count) {
    eight f[8], pairs[4];
    UNROLL for (int i = 0; i < 8; i++) f[i] = i < count ? half(a[i]) : (eight){0};
    UNROLL for (int i = 0; i < 4; i++)
        pairs[i] = FIRST1(f[2 * i], f[2 * i + 1]) + SECOND1(f[2 * i], f[2 * i + 1]);
    eight low = FIRST2(pairs[0], pairs[1]) + SECOND2(pairs[0], pairs[1]);
    eight high = FIRST2(pairs[2], pairs[3]) + SECOND2(pairs[2], pairs[3]);
    return FIRST4(low, high) + SECOND4(low, high);
}

/* The same into memory. */
INLINE void sum_into(real *out, const lanes *a, int count) {
    eight s = sums(a, count);
    if (count == 8) *(eight_anywhere *)out = s;
    else UNROLL for (int i = 0; i < count; i++) out[i] = s[i];
}

/* out[j][i] = in[i][j] for 8 by 8 numbers in rows of so many. */
INLINE void transpose8(real *out, size_t out_row, const real *in, size_t in_row) {
    eight a[8], b[8];
    UNROLL for (int i = 0; i < 8; i++) a[i] = *(const eight_anywhere *)(in + i * in_row);
    UNROLL for (int i = 0; i < 8; i += 2) {
        b[i] = FIRST1(a[i], a[i + 1]);
        b[i + 1] = SECOND1(a[i], a[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4) UNROLL for (int j = 0; j < 2; j++) {
        a[i + j] = FIRST2(b[i + j], b[i + j + 2]);
        a[i + j + 2] = SECOND2(b[i + j], b[i + j + 2]);
    }
    UNROLL for (int j = 0; j < 4; j++) {
        *(eight_anywhere *)(out + j * out_row) = FIRST4(a[j], a[j + 4]);
        *(eight_anywhere *)(out + (j + 4) * out_row) = SECOND4(a[j], a[j + 4]);
    }
}

#endif
