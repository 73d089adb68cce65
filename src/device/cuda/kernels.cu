// Products with a block J of a dense Jacobian: `rows` × `columns` numbers, columns contiguous, entry (i, k) at
// i + rows k. Every sum is taken in an order that the sizes alone decide: the same bits at every run.
//
// Compiled to kernels.ptx by ptx.py; compiled for the processor, behind tests/cuda/shim.h, by the tests.

// Results of a block of threads of the Gram matrix are TILE × TILE; a thread has 4 × 8 of them.
#define TILE 64
#define ACROSS 16
#define DOWN 8
#define GRAM_THREADS (ACROSS * DOWN)
// Columns of J in shared memory at a time: 8 kibibytes for either side.
#define DEPTH_F64 16
#define DEPTH_F32 32
// Threads in a block of the products with vectors.
#define THREADS 256

// Tile t of the lower half, counted row by row: (0, 0), (1, 0), (1, 1), (2, 0), …
struct Tile {
    unsigned row, column;
};

static __device__ inline Tile tile_of(unsigned t)
{
    unsigned row = (unsigned)((sqrt(8.0 * t + 1.0) - 1.0) / 2.0);
    while ((unsigned long long)row * (row + 1) / 2 > t)
        row -= 1;
    while ((unsigned long long)(row + 1) * (row + 2) / 2 <= t)
        row += 1;
    Tile tile;
    tile.row = row;
    tile.column = t - row * (row + 1) / 2;
    return tile;
}

// Sixty-four rows of DEPTH columns from column `first` on, zeros outside J.
template <typename Number, unsigned DEPTH>
static __device__ inline void load(Number (*slab)[TILE], const Number *j, unsigned rows, unsigned end, unsigned tile,
                                   unsigned first)
{
    const unsigned i = threadIdx.x % TILE, row = tile * TILE + i;
    for (unsigned d = threadIdx.x / TILE; d < DEPTH; d += GRAM_THREADS / TILE) {
        const unsigned k = first + d;
        slab[d][i] = row < rows && k < end ? j[row + (size_t)rows * k] : Number(0);
    }
}

// One tile's part of J Jᵀ from one chunk of columns. Products of doubles are added up as doubles; products of floats as
// floats within a slab of DEPTH columns, and those sums as doubles: |error| ≤ (DEPTH + 2) 2⁻²⁴ Σ|J_ik J_jk|, the rounding
// of J to floats included.
template <typename Number, unsigned DEPTH>
static __device__ inline void gram_tile(Number (*left)[TILE], Number (*right)[TILE], const Number *j, unsigned rows,
                                        unsigned columns, unsigned chunk, double *partial)
{
    const Tile tile = tile_of(blockIdx.x);
    const unsigned x = threadIdx.x % ACROSS, y = threadIdx.x / ACROSS;
    const unsigned begin = blockIdx.y * chunk;
    const unsigned end = columns - begin < chunk ? columns : begin + chunk;
    double total[TILE / ACROSS][TILE / DOWN] = {};
    for (unsigned first = begin; first < end; first += DEPTH) {
        load<Number, DEPTH>(left, j, rows, end, tile.row, first);
        load<Number, DEPTH>(right, j, rows, end, tile.column, first);
        __syncthreads();
        Number slab[TILE / ACROSS][TILE / DOWN] = {};
#pragma unroll
        for (unsigned d = 0; d < DEPTH; d += 1) {
            Number a[TILE / ACROSS], b[TILE / DOWN];
#pragma unroll
            for (unsigned s = 0; s < TILE / ACROSS; s += 1)
                a[s] = left[d][x + ACROSS * s];
#pragma unroll
            for (unsigned s = 0; s < TILE / DOWN; s += 1)
                b[s] = right[d][y + DOWN * s];
#pragma unroll
            for (unsigned r = 0; r < TILE / ACROSS; r += 1)
#pragma unroll
                for (unsigned s = 0; s < TILE / DOWN; s += 1) {
                    if (sizeof(Number) == sizeof(double))
                        total[r][s] = fma((double)a[r], (double)b[s], total[r][s]);
                    else
                        slab[r][s] = fma(a[r], b[s], slab[r][s]);
                }
        }
        if (sizeof(Number) != sizeof(double))
            for (unsigned r = 0; r < TILE / ACROSS; r += 1)
                for (unsigned s = 0; s < TILE / DOWN; s += 1)
                    total[r][s] += slab[r][s];
        __syncthreads();
    }
    double *out = partial + ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * (TILE * TILE);
    for (unsigned r = 0; r < TILE / ACROSS; r += 1)
        for (unsigned s = 0; s < TILE / DOWN; s += 1)
            out[x + ACROSS * r + TILE * (y + DOWN * s)] = total[r][s];
}

// partial ← the tiles of the lower half of J Jᵀ, chunk by chunk of columns. Grid: tiles × chunks.
extern "C" __global__ void __launch_bounds__(GRAM_THREADS)
    gram_f64(const double *j, unsigned rows, unsigned columns, unsigned chunk, double *partial)
{
    __shared__ double left[DEPTH_F64][TILE];
    __shared__ double right[DEPTH_F64][TILE];
    gram_tile<double, DEPTH_F64>(left, right, j, rows, columns, chunk, partial);
}

// The same for J in floats.
extern "C" __global__ void __launch_bounds__(GRAM_THREADS)
    gram_f32(const float *j, unsigned rows, unsigned columns, unsigned chunk, double *partial)
{
    __shared__ float left[DEPTH_F32][TILE];
    __shared__ float right[DEPTH_F32][TILE];
    gram_tile<float, DEPTH_F32>(left, right, j, rows, columns, chunk, partial);
}

// The lower half of K, rows × rows, += the sum of its tiles over the chunks. Grid: tiles.
extern "C" __global__ void __launch_bounds__(THREADS)
    gram_sum(const double *partial, unsigned chunks, unsigned rows, double *k)
{
    const Tile tile = tile_of(blockIdx.x);
    for (unsigned place = threadIdx.x; place < TILE * TILE; place += THREADS) {
        const unsigned i = tile.row * TILE + place % TILE, j = tile.column * TILE + place / TILE;
        if (i >= rows || j > i)
            continue;
        double sum = 0.0;
        for (unsigned c = 0; c < chunks; c += 1)
            sum += partial[((size_t)c * gridDim.x + blockIdx.x) * (TILE * TILE) + place];
        k[i + (size_t)rows * j] += sum;
    }
}

// partial ← J x, chunk by chunk of columns; `side` rows (a power of two) beside each other in a block of threads, and
// THREADS/side columns. Grid: ⌈rows/side⌉ × chunks.
extern "C" __global__ void __launch_bounds__(THREADS)
    product(const double *j, const double *x, unsigned rows, unsigned columns, unsigned side, unsigned chunk,
            double *partial)
{
    __shared__ double sums[THREADS];
    const unsigned t = threadIdx.x, lane = t / side, lanes = THREADS / side, i = blockIdx.x * side + t % side;
    const unsigned begin = blockIdx.y * chunk;
    const unsigned end = columns - begin < chunk ? columns : begin + chunk;
    double sum = 0.0;
    if (i < rows)
        for (unsigned k = begin + lane; k < end; k += lanes)
            sum = fma(j[i + (size_t)rows * k], x[k], sum);
    sums[t] = sum;
    __syncthreads();
    for (unsigned half = lanes / 2; half > 0; half /= 2) {
        if (lane < half)
            sums[t] += sums[t + half * side];
        __syncthreads();
    }
    if (lane == 0 && i < rows)
        partial[(size_t)blockIdx.y * rows + i] = sums[t];
}

// y += the sum over the chunks. Grid: ⌈rows/THREADS⌉.
extern "C" __global__ void __launch_bounds__(THREADS)
    product_sum(const double *partial, unsigned chunks, unsigned rows, double *y)
{
    const unsigned i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows)
        return;
    double sum = 0.0;
    for (unsigned c = 0; c < chunks; c += 1)
        sum += partial[(size_t)c * rows + i];
    y[i] += sum;
}

// z ← Jᵀ u: `side` threads (a power of two) a column. Grid: ⌈columns side/THREADS⌉.
extern "C" __global__ void __launch_bounds__(THREADS)
    transposed_product(const double *j, const double *u, unsigned rows, unsigned columns, unsigned side, double *z)
{
    __shared__ double sums[THREADS];
    const unsigned t = threadIdx.x, lane = t % side, k = blockIdx.x * (THREADS / side) + t / side;
    double sum = 0.0;
    if (k < columns)
        for (unsigned i = lane; i < rows; i += side)
            sum = fma(j[i + (size_t)rows * k], u[i], sum);
    sums[t] = sum;
    __syncthreads();
    for (unsigned half = side / 2; half > 0; half /= 2) {
        if (lane < half)
            sums[t] += sums[t + half];
        __syncthreads();
    }
    if (lane == 0 && k < columns)
        z[k] = sums[t];
}
