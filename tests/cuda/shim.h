// What CUDA C means, on the processor: enough to run src/device/cuda/kernels.cu as it stands.
//
// The threads of a block are fibers of one thread of the system (`makecontext` makes them, `_longjmp` changes between
// them: it asks nothing of the system). A barrier hands control to the next fiber; a round ends
// when each has come to a barrier or to its end. They run forward, backward or shuffled from round to round, so that
// what depends on their order (a barrier that is missing) shows as different numbers. Shared memory is filled with NaN
// before each block. Barriers that some threads of a block reach and others do not end the program.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#define __global__
#define __device__
#define __launch_bounds__(threads)
#define __shared__ static __attribute__((section("shared_memory")))

using std::fma;
using std::sqrt;

struct Place {
    unsigned x, y, z;
};

static Place threadIdx, blockIdx, blockDim, gridDim;
extern "C" char __start_shared_memory[], __stop_shared_memory[];

namespace shim {

enum Order { FORWARD, BACKWARD, SHUFFLED };

static const size_t STACK = 32 * 1024;
static Order order = FORWARD;
static jmp_buf scheduler;

struct Fiber {
    ucontext_t begin;
    jmp_buf place;
    bool begun = false;
    std::unique_ptr<char[]> stack{new char[STACK]};
    bool done = false;
};

static std::vector<Fiber> fibers;
static unsigned running;
static const std::function<void()> *kernel;

static void enter()
{
    (*kernel)();
    fibers[running].done = true;
    _longjmp(scheduler, 1);
}

// Goes on with the running fiber up to its next barrier.
static void resume()
{
    Fiber &fiber = fibers[running];
    if (_setjmp(scheduler) != 0)
        return;
    if (fiber.begun)
        _longjmp(fiber.place, 1);
    fiber.begun = true;
    setcontext(&fiber.begin);
}

// Runs every fiber that is not done up to its next barrier; true where all are done.
static bool round(unsigned turn)
{
    const unsigned n = (unsigned)fibers.size();
    unsigned done = 0, waiting = 0;
    for (unsigned i = 0; i < n; i += 1) {
        // 97 is prime to the numbers of threads that the kernels take.
        running = order == FORWARD ? i : order == BACKWARD ? n - 1 - i : (97 * i + 41 * turn) % n;
        if (fibers[running].done)
            continue;
        threadIdx = Place{running, 0, 0};
        resume();
        (fibers[running].done ? done : waiting) += 1;
    }
    if (done > 0 && waiting > 0) {
        std::fprintf(stderr, "shim: %u threads wait at a barrier that %u others never reach\n", waiting, done);
        std::abort();
    }
    return waiting == 0;
}

// kernel<<<grid, threads>>>()
static void launch(Place grid, unsigned threads, const std::function<void()> &body)
{
    if (fibers.size() != threads)
        fibers = std::vector<Fiber>(threads);
    kernel = &body;
    gridDim = grid;
    blockDim = Place{threads, 1, 1};
    for (unsigned z = 0; z < grid.z; z += 1)
        for (unsigned y = 0; y < grid.y; y += 1)
            for (unsigned x = 0; x < grid.x; x += 1) {
                blockIdx = Place{x, y, z};
                std::memset(__start_shared_memory, 0xff, (size_t)(__stop_shared_memory - __start_shared_memory));
                for (Fiber &fiber : fibers) {
                    getcontext(&fiber.begin);
                    fiber.begin.uc_stack.ss_sp = fiber.stack.get();
                    fiber.begin.uc_stack.ss_size = STACK;
                    fiber.begin.uc_link = nullptr;
                    fiber.begun = fiber.done = false;
                    makecontext(&fiber.begin, enter, 0);
                }
                for (unsigned turn = 0; !round(turn); turn += 1) {
                }
            }
}

} // namespace shim

static __attribute__((noinline)) void __syncthreads()
{
    asm volatile("" ::: "memory");
    if (_setjmp(shim::fibers[shim::running].place) == 0)
        _longjmp(shim::scheduler, 1);
    asm volatile("" ::: "memory");
}

#ifndef KERNELS
#define KERNELS "../../src/device/cuda/kernels.cu"
#endif
#include KERNELS
