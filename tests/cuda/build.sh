#!/usr/bin/env bash
# Builds the emulated driver into FOLDER/lib64, where CUDA_LIBRARY_PATH=FOLDER lets cargo find it:
#
#     bash tests/cuda/build.sh FOLDER
#     CUDA_LIBRARY_PATH=FOLDER LD_LIBRARY_PATH=FOLDER/lib64 cargo test --features cuda --test devices
set -euo pipefail
folder=$(mkdir -p "$1/lib64" && cd "$1/lib64" && pwd)
cd "$(dirname "$0")"

# Every function that the crate's bindings name: weak, so that driver.cpp's own take their place.
bindings=$(cargo metadata --format-version 1 --locked --features cuda --filter-platform "$(rustc -vV | sed -n "s|host: ||p")" |
    grep -o '"manifest_path":"[^"]*/cust_raw-[^"]*/Cargo.toml"' | head -n 1 | cut -d '"' -f 4)
{
    grep -ohE 'pub fn cu[A-Za-z0-9_]+' "$(dirname "$bindings")"/src/*.rs | awk '{ print $3 }' | sort -u |
        sed 's/.*/__attribute__((weak)) int &(void) { return 801; }/'
} > "$folder/others.c"
"${CC:-cc}" -O1 -fPIC -c "$folder/others.c" -o "$folder/others.o"
"${CXX:-c++}" -std=c++17 -O2 -Wall -Wextra -Wno-unknown-pragmas -fPIC -c driver.cpp -o "$folder/driver.o"
"${CXX:-c++}" -shared -Wl,-soname,libcuda.so.1 -o "$folder/libcuda.so.1" "$folder/driver.o" "$folder/others.o"
ln -sf libcuda.so.1 "$folder/libcuda.so"
