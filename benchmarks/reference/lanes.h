/* Vectors of the machine's own width, and the two things that plain loops do not give: sums of many vectors at
   once, and transposes. PRECISION is 32 or 64. */
#ifndef LANES_H
#define LANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* gcc splits longer vectors than the machine has, at a high price */
#if defined(__AVX512F__)
#define BYTES 64
enum { REGISTERS = 32 };
#elif defined(__AVX__)
#define BYTES 32
enum { REGISTERS = 16 };
#else
#define BYTES 16
enum { REGISTERS = 16 };
#endif

#if PRECISION == 64
typedef double real;
#define V (BYTES / 8)
#define SQRT sqrt
#define EXP exp
#define LOG log
#define SIN sin
#define COS cos
#else
typedef float real;
#define V (BYTES / 4)
#define SQRT sqrtf
#define EXP expf
#define LOG logf
#define SIN sinf
#define COS cosf
#endif
#define PART (V < 8 ? V : 8) /* the numbers of a vector that sums and transposes work on */

typedef real lanes __attribute__((vector_size(V * sizeof(real))));
typedef real part __attribute__((vector_size(PART * sizeof(real))));
typedef real part_anywhere __attribute__((vector_size(PART * sizeof(real)), aligned(sizeof(real))));

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
#if V >= 8
#define FIRST1(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define SECOND1(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define FIRST2(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SECOND2(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define FIRST4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SECOND4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#elif V == 4
#define FIRST1(a, b) __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define SECOND1(a, b) __builtin_shufflevector(a, b, 1, 5, 3, 7)
#define FIRST2(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define SECOND2(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#else
#define FIRST1(a, b) __builtin_shufflevector(a, b, 0, 2)
#define SECOND1(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

INLINE part half(lanes a) {
#if V <= 8
    return a;
#else
    return __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7) +
           __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

/* The sum of each of `count` vectors, PART at most: a tree of PART - 1 additions instead of one for each. */
INLINE part sums(const lanes *a, int count) {
    part f[PART];
    UNROLL for (int i = 0; i < PART; i++) f[i] = i < count ? half(a[i]) : (part){0};
    UNROLL for (int i = 0; i < PART / 2; i++) f[i] = FIRST1(f[2 * i], f[2 * i + 1]) + SECOND1(f[2 * i], f[2 * i + 1]);
#if V >= 4
    UNROLL for (int i = 0; i < PART / 4; i++) f[i] = FIRST2(f[2 * i], f[2 * i + 1]) + SECOND2(f[2 * i], f[2 * i + 1]);
#endif
#if V >= 8
    f[0] = FIRST4(f[0], f[1]) + SECOND4(f[0], f[1]);
#endif
    return f[0];
}

/* The same of any number into memory. */
INLINE void sum_into(real *out, const lanes *a, int count) {
    UNROLL for (int i = 0; i < count; i += PART) {
        part s = sums(a + i, count - i);
        if (count - i >= PART) *(part_anywhere *)(out + i) = s;
        else UNROLL for (int k = 0; k < count - i; k++) out[i + k] = s[k];
    }
}

/* out[j][i] = in[i][j] for PART by PART numbers in rows of so many. */
INLINE void transpose_part(real *out, size_t out_row, const real *in, size_t in_row) {
    part a[PART], b[PART];
    UNROLL for (int i = 0; i < PART; i++) a[i] = *(const part_anywhere *)(in + i * in_row);
    UNROLL for (int i = 0; i < PART; i += 2) {
        b[i] = FIRST1(a[i], a[i + 1]);
        b[i + 1] = SECOND1(a[i], a[i + 1]);
    }
#if V >= 4
    UNROLL for (int i = 0; i < PART; i += 4) UNROLL for (int j = 0; j < 2; j++) {
        a[i + j] = FIRST2(b[i + j], b[i + j + 2]);
        a[i + j + 2] = SECOND2(b[i + j], b[i + j + 2]);
    }
#endif
#if V >= 8
    UNROLL for (int j = 0; j < 4; j++) {
        b[j] = FIRST4(a[j], a[j + 4]);
        b[j + 4] = SECOND4(a[j], a[j + 4]);
    }
#endif
    part *turned = V == 4 ? a : b;
    UNROLL for (int j = 0; j < PART; j++) *(part_anywhere *)(out + j * out_row) = turned[j];
}

#endif
