// CUDA's driver, emulated: what src/device/cuda asks of libcuda.so.1, done by the processor.
//
// Memory of the card is the processor's, kernels run behind shim.h, all calls are finished when they return. So the path
// from `device::choose` to a result can be run, and made to fail, where there is no card. By the environment:
//
//     EMULATED_CARD=none         cuInit answers 100, as a driver without a card does
//     EMULATED_CARD=old          a card of compute capability 6.1
//     EMULATED_CARD=refusing     the driver does not take the kernels (222)
//     EMULATED_CARD=ancient      a driver of CUDA 11.4
//     EMULATED_CARD=busy         the card is another's (46)
//     EMULATED_CARD=failing:N    the N-th launch of a kernel fails (719), and every call after it
//     EMULATED_MEMORY=BYTES      the card's memory; allocations beyond it are refused (2)
//
// Everything else of the driver's interface answers 801, not supported: see build.sh.
#include "shim.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace {

enum Code {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    DEVICE_UNAVAILABLE = 46,
    NO_DEVICE = 100,
    INVALID_CONTEXT = 201,
    UNSUPPORTED_PTX = 222,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
};

std::string wish(const char *name)
{
    const char *value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::mutex door;
std::unordered_map<uint64_t, size_t> allocated;
size_t used = 0;
long launches = 0;
bool broken = false;
int context = 0, module = 0, stream = 0;
thread_local void *current = nullptr;

size_t memory()
{
    const std::string asked = wish("EMULATED_MEMORY");
    return asked.empty() ? (size_t)16 << 30 : std::stoull(asked);
}

// Every call but the first ones: needs the context on its thread, and a card that has not failed.
Code ready()
{
    return broken ? LAUNCH_FAILED : current == nullptr ? INVALID_CONTEXT : SUCCESS;
}

// Whether [at, at + bytes) lies within one allocation.
bool inside(uint64_t at, size_t bytes)
{
    for (const auto &[begin, size] : allocated)
        if (at >= begin && at + bytes <= begin + size)
            return true;
    return false;
}

template <typename T> T argument(void **arguments, int i)
{
    T value;
    std::memcpy(&value, arguments[i], sizeof value);
    return value;
}

} // namespace

extern "C" {

int cuInit(unsigned)
{
    return wish("EMULATED_CARD") == "none" ? NO_DEVICE : SUCCESS;
}

int cuDriverGetVersion(int *version)
{
    *version = wish("EMULATED_CARD") == "ancient" ? 11040 : 12040;
    return SUCCESS;
}

int cuDeviceGet(int *device, int)
{
    *device = 0;
    return SUCCESS;
}

int cuDeviceGetName(char *name, int length, int)
{
    std::snprintf(name, (size_t)length, "emulated card (no hardware)");
    return SUCCESS;
}

int cuDeviceGetAttribute(int *value, int attribute, int)
{
    const bool old = wish("EMULATED_CARD") == "old";
    switch (attribute) {
    case 13: *value = 1980000; break;          // clock, kHz
    case 16: *value = 132; break;              // multiprocessors
    case 36: *value = 2619000; break;          // memory's clock, kHz
    case 37: *value = 5120; break;             // memory's width, bits
    case 75: *value = old ? 6 : 9; break;      // compute capability
    case 76: *value = old ? 1 : 0; break;
    default: return INVALID_VALUE;
    }
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(void **out, int)
{
    *out = &context;
    return wish("EMULATED_CARD") == "busy" ? DEVICE_UNAVAILABLE : SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int)
{
    return SUCCESS;
}

int cuCtxSetCurrent(void *which)
{
    current = which;
    return broken ? LAUNCH_FAILED : SUCCESS;
}

int cuModuleLoadDataEx(void **out, const void *image, unsigned, int *, void **)
{
    const bool ptx = std::strstr((const char *)image, ".visible .entry gram_f64(") != nullptr;
    *out = &module;
    return !ptx || wish("EMULATED_CARD") == "refusing" ? UNSUPPORTED_PTX : ready();
}

int cuModuleUnload(void *)
{
    return SUCCESS;
}

int cuModuleGetFunction(void **out, void *, const char *name)
{
    static const char *const NAMES[] = {"gram_f64",    "gram_f32",          "gram_sum",
                                          "product",     "product_sum",       "transposed_product"};
    for (const char *const &kernel : NAMES)
        if (std::strcmp(kernel, name) == 0) {
            *out = (void *)&kernel;
            return ready();
        }
    return NOT_FOUND;
}

int cuStreamCreateWithPriority(void **out, unsigned flags, int)
{
    *out = &stream;
    // Copies are to wait for kernels and kernels for copies.
    return flags == 0 ? ready() : INVALID_VALUE;
}

int cuStreamDestroy_v2(void *)
{
    return SUCCESS;
}

int cuStreamSynchronize(void *)
{
    return ready();
}

int cuMemGetInfo_v2(size_t *free, size_t *total)
{
    const std::lock_guard<std::mutex> lock(door);
    *total = memory();
    *free = *total - used;
    return ready();
}

int cuMemAlloc_v2(uint64_t *out, size_t bytes)
{
    const std::lock_guard<std::mutex> lock(door);
    if (ready() != SUCCESS)
        return ready();
    if (bytes == 0)
        return INVALID_VALUE;
    if (used + bytes > memory())
        return OUT_OF_MEMORY;
    void *room = std::malloc(bytes);
    if (room == nullptr)
        return OUT_OF_MEMORY;
    std::memset(room, 0xff, bytes); // NaN, so that what is read before it is written shows
    *out = (uint64_t)room;
    allocated[*out] = bytes;
    used += bytes;
    return SUCCESS;
}

int cuMemFree_v2(uint64_t at)
{
    const std::lock_guard<std::mutex> lock(door);
    const auto found = allocated.find(at);
    if (found == allocated.end() || current == nullptr)
        return found == allocated.end() ? INVALID_VALUE : INVALID_CONTEXT;
    used -= found->second;
    allocated.erase(found);
    std::free((void *)at);
    return SUCCESS;
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes)
{
    const std::lock_guard<std::mutex> lock(door);
    if (ready() != SUCCESS || !inside(to, bytes))
        return ready() != SUCCESS ? ready() : INVALID_VALUE;
    std::memcpy((void *)to, from, bytes);
    return SUCCESS;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes)
{
    const std::lock_guard<std::mutex> lock(door);
    if (ready() != SUCCESS || !inside(from, bytes))
        return ready() != SUCCESS ? ready() : INVALID_VALUE;
    std::memcpy(to, (void *)from, bytes);
    return SUCCESS;
}

int cuMemsetD8_v2(uint64_t at, unsigned char value, size_t bytes)
{
    const std::lock_guard<std::mutex> lock(door);
    if (ready() != SUCCESS || !inside(at, bytes))
        return ready() != SUCCESS ? ready() : INVALID_VALUE;
    std::memset((void *)at, value, bytes);
    return SUCCESS;
}

int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned,
                   void *, void **given, void **)
{
    const std::lock_guard<std::mutex> lock(door);
    if (ready() != SUCCESS)
        return ready();
    launches += 1;
    const std::string asked = wish("EMULATED_CARD");
    if (asked.rfind("failing:", 0) == 0 && launches >= std::stol(asked.substr(8))) {
        broken = true;
        return LAUNCH_FAILED;
    }
    if (x == 0 || y == 0 || z == 0 || y > 65535 || z > 65535 || threads > 1024)
        return INVALID_VALUE;
    const Place grid{x, y, z};
    const std::string name = *(const char **)function;
    using Doubles = double *;
    using Floats = float *;
    const auto doubles = [given](int i) { return argument<Doubles>(given, i); };
    const auto number = [given](int i) { return argument<unsigned>(given, i); };
    if (name == "gram_f64")
        shim::launch(grid, threads, [&] { gram_f64(doubles(0), number(1), number(2), number(3), doubles(4)); });
    else if (name == "gram_f32")
        shim::launch(grid, threads,
                     [&] { gram_f32(argument<Floats>(given, 0), number(1), number(2), number(3), doubles(4)); });
    else if (name == "gram_sum")
        shim::launch(grid, threads, [&] { gram_sum(doubles(0), number(1), number(2), doubles(3)); });
    else if (name == "product")
        shim::launch(grid, threads, [&] {
            product(doubles(0), doubles(1), number(2), number(3), number(4), number(5), doubles(6));
        });
    else if (name == "product_sum")
        shim::launch(grid, threads, [&] { product_sum(doubles(0), number(1), number(2), doubles(3)); });
    else
        shim::launch(grid, threads,
                     [&] { transposed_product(doubles(0), doubles(1), number(2), number(3), number(4), doubles(5)); });
    return SUCCESS;
}

} // extern "C"
