// Runs one kernel on the processor, on numbers from standard input, and writes its results to standard output: one for
// each order of threads.
//
//     harness KERNEL INTEGER... < doubles > doubles
//
// Every buffer ends where its page does, before a page that nobody may touch: a kernel that reads or writes past an end
// dies. What a kernel writes starts as NaN, but for what it adds to, which starts as zero.
#include "shim.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

template <typename T> static T *guarded(size_t count, int fill)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = count * sizeof(T);
    const size_t whole = (bytes + page - 1) / page * page + page;
    char *base = (char *)mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + whole - page, page, PROT_NONE) != 0) {
        std::perror("harness");
        std::exit(2);
    }
    char *data = base + whole - page - bytes;
    std::memset(data, fill, bytes);
    return (T *)data;
}

static double *input(size_t count)
{
    double *data = guarded<double>(count, 0);
    if (std::fread(data, sizeof(double), count, stdin) != count) {
        std::fprintf(stderr, "harness: fewer than %zu numbers\n", count);
        std::exit(2);
    }
    return data;
}

static unsigned quotient(unsigned a, unsigned b)
{
    return (a + b - 1) / b;
}

static void output(const double *data, size_t count)
{
    std::fwrite(data, sizeof(double), count, stdout);
}

static const int UNSET = 0xff, ZERO = 0;

// `run` in each order, which makes what it fills and writes it out.
static void in_each_order(const std::function<void()> &run)
{
    for (shim::Order order : {shim::FORWARD, shim::BACKWARD, shim::SHUFFLED}) {
        shim::order = order;
        run();
    }
}

static void gram(bool single, unsigned rows, unsigned columns, unsigned chunk)
{
    const size_t count = (size_t)rows * columns;
    const double *j = input(count);
    const unsigned side = quotient(rows, TILE), tiles = side * (side + 1) / 2, chunks = quotient(columns, chunk);
    float *rounded = guarded<float>(count, ZERO);
    for (size_t i = 0; i < count; i += 1)
        rounded[i] = (float)j[i];
    in_each_order([=] {
        double *partial = guarded<double>((size_t)tiles * chunks * TILE * TILE, UNSET);
        double *k = guarded<double>((size_t)rows * rows, ZERO);
        shim::launch(Place{tiles, chunks, 1}, GRAM_THREADS, [=] {
            if (single)
                gram_f32(rounded, rows, columns, chunk, partial);
            else
                gram_f64(j, rows, columns, chunk, partial);
        });
        shim::launch(Place{tiles, 1, 1}, THREADS, [=] { gram_sum(partial, chunks, rows, k); });
        output(k, (size_t)rows * rows);
    });
}

static void forward(unsigned rows, unsigned columns, unsigned side, unsigned chunk)
{
    const double *j = input((size_t)rows * columns), *x = input(columns);
    const unsigned chunks = quotient(columns, chunk);
    in_each_order([=] {
        double *partial = guarded<double>((size_t)rows * chunks, UNSET), *y = guarded<double>(rows, ZERO);
        shim::launch(Place{quotient(rows, side), chunks, 1}, THREADS,
                     [=] { product(j, x, rows, columns, side, chunk, partial); });
        shim::launch(Place{quotient(rows, THREADS), 1, 1}, THREADS, [=] { product_sum(partial, chunks, rows, y); });
        output(y, rows);
    });
}

static void back(unsigned rows, unsigned columns, unsigned side)
{
    const double *j = input((size_t)rows * columns), *u = input(rows);
    in_each_order([=] {
        double *z = guarded<double>(columns, UNSET);
        shim::launch(Place{quotient(columns, THREADS / side), 1, 1}, THREADS,
                     [=] { transposed_product(j, u, rows, columns, side, z); });
        output(z, columns);
    });
}

int main(int count, char **words)
{
    if (count < 2)
        return 2;
    const std::string kernel = words[1];
    std::vector<unsigned> n;
    for (int i = 2; i < count; i += 1)
        n.push_back((unsigned)std::stoul(words[i]));
    if (kernel == "gram_f64" && n.size() == 3)
        gram(false, n[0], n[1], n[2]);
    else if (kernel == "gram_f32" && n.size() == 3)
        gram(true, n[0], n[1], n[2]);
    else if (kernel == "product" && n.size() == 4)
        forward(n[0], n[1], n[2], n[3]);
    else if (kernel == "transposed_product" && n.size() == 3)
        back(n[0], n[1], n[2]);
    else
        return 2;
    return 0;
}
